/**
 * `deno task chat`: the newcomer's one command, in a real terminal.
 * Each takes seconds: real processes, and 64 MiB of Argon2id for every login.
 */

import assert from "node:assert/strict";
import { Tmux } from "../terminal/tmux.ts";
import { logIn } from "./person.ts";

const CHAT = new URL("../../lib/cli/chat.ts", import.meta.url).pathname;

/** A port that is free now; whoever else takes it meanwhile makes the test fail, not pass. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function isListening(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test({
  name: "chat starts a server, a second chat joins it, and what was started is ended",
  ignore: !Tmux.available(),
  fn: async () => {
    const cwd = await Deno.makeTempDir();
    const port = freePort();
    const command = [Deno.execPath(), "run", "--quiet", "-A", CHAT, `${port}`];
    try {
      await using first = await Tmux.start({ command, cwd });
      await logIn(first);
      await first.waitFor("lobby (open)>");
      assert.match(await first.screen(), /Listening on 127[^]*Encryption key for this session: /);
      await using second = await Tmux.start({ command, cwd });
      await logIn(second);
      await second.waitFor("lobby (open)>");
      assert.doesNotMatch(await second.screen(), /Listening/);
      await second.type("hello");
      await second.key("Enter");
      await first.waitFor("user1: hello");
      await second.key("C-d");
      assert.equal(await second.exitCode(), 0);
      assert.equal(await isListening(port), true);
      await first.key("C-d");
      assert.equal(await first.exitCode(), 0);
      assert.match(await first.screen(), /Log head: lobby 1 /);
      assert.equal(await isListening(port), false);
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  },
});

Deno.test({
  name: "chat ends its server when it is interrupted at the worst moment",
  ignore: !Tmux.available(),
  fn: async () => {
    const cwd = await Deno.makeTempDir();
    const port = freePort();
    try {
      const command = [Deno.execPath(), "run", "--quiet", "-A", CHAT, `${port}`];
      await using terminal = await Tmux.start({ command, cwd });
      await logIn(terminal);
      await terminal.key("C-c"); // in the middle of the key stretching
      assert.equal(await terminal.exitCode(), 130);
      // The server ends by itself now: its listener goes first, and no one is connected to it.
      for (let tries = 0; await isListening(port); tries += 1) assert.ok(tries < 10_000);
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  },
});
