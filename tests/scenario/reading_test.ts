/**
 * Searching, ignoring, mentions and actions through the programs, without a terminal.
 * Each takes a second: a real server, whose log is long.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Credentials } from "../../lib/client/login.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { ALICE, BOB, TempFolder } from "../attacks/server.ts";
import { fillLog } from "../client/filled_log.ts";
import { FAR, makeAccounts, NearClient } from "./near_client.ts";
import { runProgram, ServerProgram } from "./programs.ts";

const COUNT = 3_000;

/** A server whose lobby has a long past: alice and bob are near, and one is at a program. */
async function startFilled(folder: TempFolder): Promise<ServerProgram> {
  const [db, keys] = [folder.file("chat.db"), folder.file("keys")];
  const key = FernetKey.generate();
  Deno.writeTextFileSync(keys, String(key), { mode: 0o600 });
  await makeAccounts(db, { near: [ALICE, BOB] });
  const text = (seq: number): string => seq % 1_000 === 0 ? `Needle ${seq}` : `straw ${seq}`;
  await fillLog({ db, key, sender: "bob", count: COUNT, text });
  return await ServerProgram.start(["--db", db, "--key-file", keys]);
}

function startClient({ port }: ServerProgram, who: Credentials): Promise<NearClient> {
  return NearClient.start(port, who, { history: 0 });
}

function command(client: NearClient, line: string): Promise<void> {
  return client.type(JSON.stringify({ type: "command", line }));
}

Deno.test("JSON mode: /search tells each hit, how far it is, and the end", async () => {
  using folder = new TempFolder();
  await using server = await startFilled(folder);
  await using alice = await startClient(server, ALICE);
  await command(alice, "/search needle from:bob");
  for (const seq of [3_000, 2_000, 1_000]) {
    const found = await alice.event("found");
    assert.deepEqual([found["seq"], found["text"], found["matches"]], [
      seq,
      `Needle ${seq}`,
      [[0, 6]],
    ]);
    if (seq === 2_000) assert.equal((await alice.event("search"))["state"], "progress");
  }
  const { state, end, found, searched, message } = await alice.event("search");
  assert.deepEqual([state, end, found, searched], ["done", "beginning", 3, COUNT]);
  assert.equal(message, "3 found in 3,000 messages of lobby");
  await command(alice, "/bell all");
  assert.equal((await alice.event("error"))["code"], "terminal-missing");
});

Deno.test("JSON mode: what someone does, who is meant, and nothing of who is ignored", async () => {
  using folder = new TempFolder();
  await using server = await startFilled(folder);
  await using alice = await startClient(server, ALICE);
  await using bob = await startClient(server, BOB);
  await command(bob, "/me waves at @Alice");
  const waves = await alice.event("message");
  assert.deepEqual([waves["text"], waves["action"], waves["mention"]], [
    "waves at @Alice",
    true,
    true,
  ]);
  await command(alice, "/ignore BOB");
  await alice.event("notice");
  await bob.send("unheard");
  await bob.event("ack");
  await command(alice, "/search needle");
  assert.equal((await alice.event("search"))["found"], 0);
  assert.equal((await alice.event("search"))["state"], "done");
  await command(alice, "/unignore bob");
  await alice.event("notice");
  await bob.send("heard");
  assert.equal((await alice.event("message"))["text"], "heard");
});

Deno.test("line mode: a script searches, and ends with what was found", async () => {
  using folder = new TempFolder();
  await using server = await startFilled(folder);
  const { code, stdout, stderr } = await runProgram(
    "client",
    ["--user", FAR.username, `127.0.0.1:${server.port}`],
    "/search needle\n",
    { env: { FERNCHAT_PASSWORD: FAR.password } },
  );
  assert.equal(code, 0);
  assert.match(
    stdout.join("\n"),
    /^\[2026-01-0\d [\d:]{8}\] bob: Needle 3000\n.* 2000\n.* 1000$/,
  );
  assert.match(stderr, /3 found in 3,000 messages of lobby\n/);
});
