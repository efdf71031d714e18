/**
 * A person changes their password at a terminal, through the real programs.
 * Takes seconds: real processes, and 64 MiB of Argon2id for every login.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TempFolder } from "../attacks/server.ts";
import { Tmux } from "../terminal/tmux.ts";
import { makeAccounts, NearClient } from "./near_client.ts";
import { commandLine, runProgram, ServerProgram } from "./programs.ts";

const [OLD, NEW, WRONG] = ["the old words", "the new words", "quite other words"] as const;

Deno.test({
  name:
    "/passwd: the old password opens nothing more, and the client comes back by itself with the new one",
  ignore: !Tmux.available(),
  fn: async () => {
    using folder = new TempFolder();
    const args = ["--db", folder.file("chat.db"), "--key-file", folder.file("keys")];
    const alice = { username: "alice", password: OLD };
    await makeAccounts(folder.file("chat.db"), { near: [], far: [alice] });
    await using server = await ServerProgram.start(args);
    const address = `127.0.0.1:${server.port}`;
    await using other = await NearClient.start(server.port, alice);
    const command = [...commandLine("client"), address, "--user", "alice"];
    await using terminal = await Tmux.start({ command });
    const answer = async (...pairs: [question: string, text: string][]): Promise<void> => {
      for (const [question, text] of pairs) {
        await terminal.waitFor((screen) => screen.endsWith(question));
        await terminal.type(text);
        await terminal.key("Enter");
      }
    };
    const change = (old: string, next: string, again: string): Promise<void> =>
      answer(
        ...[["lobby (open)>", "/passwd"], ["Old password:", old]] as [string, string][],
        ...[["New password:", next], ["The same again:", again]] as [string, string][],
      );

    await answer(["Password for alice:", OLD]);
    await change(OLD, NEW, WRONG);
    await terminal.waitFor("The two passwords differ: nothing was changed");
    await change(WRONG, NEW, NEW);
    await terminal.waitFor("The old password is not right: nothing was changed");
    await change(OLD, NEW, NEW);
    await terminal.waitFor("-- Your password is changed");
    await answer(["lobby (open)>", "still here"]);
    assert.equal((await other.event("message"))["text"], "still here", "no session has ended");

    server.kill("SIGTERM");
    await server.ended();
    await using _ = await ServerProgram.start([...args, "--port", String(server.port)]);
    await terminal.waitFor("-- Connected again");
    assert.equal((await other.event("closed"))["reason"], "login-refused");
    assert.equal(await other.ended(), 3, "who kept the old password cannot come back");
    const logIn = async (password: string): Promise<number> => {
      const env = { FERNCHAT_PASSWORD: password };
      return (await runProgram("client", [address, "--user", "alice"], "", { env })).code;
    };
    assert.deepEqual([await logIn(OLD), await logIn(NEW)], [3, 0]);
    assert.doesNotMatch(await terminal.screen(), /(?:old|new|other) words/);
  },
});
