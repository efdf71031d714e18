/**
 * A sealed room's log, as the server exports it, opens in Python with the keys that a member has
 * exported, and with no others: in Python's own reading, no code of ours between.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ALICE, BOB, TestServer } from "../attacks/server.ts";
import { runProgram } from "../scenario/programs.ts";
import { ROOM, SAID, speakAndLeave } from "../sealed/spoken_room.ts";
import { findPython, PythonOracle } from "./fernet_support.ts";

const python = findPython();

Deno.test({
  name:
    "Python's MultiFernet opens a sealed room's log with an exported ring, and not with the lobby's",
  ignore: python === undefined,
  fn: async () => {
    await using server = await TestServer.start([ALICE, BOB]);
    const exported = server.folder.file("physics.keys");
    Deno.writeTextFileSync(exported, await speakAndLeave(server, [ALICE, BOB]));
    const lobby = server.folder.file("lobby.key");
    Deno.writeTextFileSync(lobby, server.key);
    const args = ["log", "export", "--room", ROOM, "--db", server.db];
    const { code, stdout } = await runProgram("server", args);
    assert.equal(code, 0);
    const rows = stdout.map((line) => JSON.parse(line));
    const attempts = rows.map(({ token }) => ({ token }));
    await using oracle = new PythonOracle(python!);
    const plain = await oracle.ask<string[]>("decryptWithRing", { file: exported, attempts });
    const read = plain.map((text) => JSON.parse(text));
    assert.deepEqual(read.map(({ sender, text }) => [sender, text]), SAID);
    for (const [at, { room, sender, id, sent_at, epoch }] of read.entries()) {
      const { message_id, ...row } = rows[at];
      assert.deepEqual([room, sender, id, sent_at], [ROOM, row.sender, message_id, row.sent_at]);
      assert.equal(epoch, at < 2 ? 0 : at < 6 ? 1 : 2);
    }
    const others = await oracle.ask("decryptWithRing", { file: lobby, attempts });
    assert.deepEqual(others, rows.map(() => null));
  },
});
