/**
 * The interactive client in a real terminal (tmux), against the real server.
 * Each takes a second or two: real processes, and 64 MiB of Argon2id for every login in them.
 */

import assert from "node:assert/strict";
import { SecureChannel } from "../../lib/protocol/channel.ts";
import { serverHandshake } from "../../lib/protocol/handshake.ts";
import { decodeClientMessage, encodeServerMessage } from "../../lib/protocol/messages.ts";
import { Tmux } from "../terminal/tmux.ts";
import { FAR, makeAccounts, NearClient } from "./near_client.ts";
import { logIn } from "./person.ts";
import { commandLine, runProgram, ServerProgram } from "./programs.ts";

const ignore = !Tmux.available();

/** A server, a client at a terminal of 80 columns, and another one to talk to. */
async function atTerminal(
  work: (
    terminal: Tmux,
    other: NearClient,
    server: ServerProgram,
    restart: () => Promise<void>,
    db: string,
  ) => Promise<void>,
  env: { [name: string]: string } = {},
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const args = ["--db", `${dir}/x.db`, "--key-file", `${dir}/keys`];
    await makeAccounts(`${dir}/x.db`);
    await using server = await ServerProgram.start(args);
    await using stack = new AsyncDisposableStack();
    const restart = async (): Promise<void> => {
      stack.use(await ServerProgram.start([...args, "--port", String(server.port)]));
    };
    await using other = await NearClient.start(server.port);
    const command = [...commandLine("client"), `127.0.0.1:${server.port}`];
    await using terminal = await Tmux.start({ command, env });
    await work(terminal, other, server, restart, `${dir}/x.db`);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test({
  name: "a person logs in unseen, chats while others do, and leaves with exit",
  ignore,
  fn: () =>
    atTerminal(async (terminal, other) => {
      await logIn(terminal, FAR);
      const welcome = await terminal.waitFor("lobby (open)>");
      assert.doesNotMatch(welcome, /farness/, "the password is not echoed");
      assert.match(welcome, /You are felix in lobby, an open room/);

      await terminal.type("hello from a person");
      await terminal.key("Enter");
      assert.equal((await other.event("message"))["text"], "hello from a person");
      await terminal.waitFor(/\[\d\d:\d\d:\d\d\] felix: hello from a person/);

      await terminal.type("half a li");
      await terminal.waitFor("lobby (open)> half a li");
      await other.send("\u001b[2Jan interruption\r\n\u202e");
      await terminal.waitFor(
        /hello from a person\n.*an interruption.*\nlobby \(open\)> half a li$/,
      );
      await terminal.type("ne");
      await terminal.key("Enter");
      assert.equal((await other.event("message"))["text"], "half a line");

      await terminal.key("Up");
      await terminal.key("Up");
      await terminal.waitFor("lobby (open)> hello from a person");
      await terminal.key("C-c"); // clears the line
      await terminal.type("/nope");
      await terminal.key("Enter");
      await terminal.waitFor("There is no command /nope");
      await terminal.type("exit");
      await terminal.key("Enter");
      assert.equal(await terminal.exitCode(), 0);
      assert.doesNotMatch(await terminal.screen(), /farness/);
    }),
});

Deno.test({
  name: "a wrong password is asked for again, three times at the most: exit 3",
  ignore,
  fn: () =>
    atTerminal(async (terminal) => {
      await logIn(terminal, { ...FAR, password: "wrong" });
      await terminal.waitFor(/Enter alone asks for another name\s+Password for felix:/);
      await terminal.key("Enter");
      await terminal.waitFor((screen) => screen.split("Username:").length === 3);
      await logIn(terminal, { ...FAR, password: "wrong" });
      await terminal.waitFor((screen) => screen.split("Enter alone asks").length === 3);
      await terminal.type("wrong again");
      await terminal.key("Enter");
      await terminal.waitFor(/Error: Login refused/);
      assert.equal(await terminal.exitCode(), 3);
    }),
});

Deno.test({
  name: "Ctrl-D leaves with 0, Ctrl-C with 130",
  ignore,
  fn: async () => {
    await atTerminal(async (terminal) => {
      await logIn(terminal, FAR);
      await terminal.waitFor("lobby (open)>");
      await terminal.key("C-d");
      assert.equal(await terminal.exitCode(), 0);
    });
    await atTerminal(async (terminal) => {
      await terminal.waitFor("Username:");
      await terminal.key("C-c");
      assert.equal(await terminal.exitCode(), 130);
    });
  },
});

/** A server that holds every login back: it answers with `login-throttled`. */
async function throttle(listener: Deno.TcpListener, logins: string[]): Promise<void> {
  for await (const connection of listener) {
    const channel = new SecureChannel("server", connection, await serverHandshake(connection));
    for (;;) {
      const encoded = await channel.receive().catch(() => null);
      if (encoded === null) break;
      const message = decodeClientMessage(encoded);
      if (message.type === "login_start") logins.push(message.username);
      const said = "unproven words";
      channel.send(encodeServerMessage({ type: "error", code: "login-throttled", message: said }));
    }
  }
}

Deno.test({
  name:
    "too many attempts to log in: told in own words, and tried again with what was typed already",
  ignore,
  fn: async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const logins: string[] = [];
    const serving = throttle(listener, logins);
    try {
      const command = [...commandLine("client"), `127.0.0.1:${listener.addr.port}`];
      await using terminal = await Tmux.start({ command });
      await logIn(terminal, FAR);
      const again = "Press Enter to try again.";
      await terminal.waitFor(/Too many attempts to log in: wait a minute.*\nPress Enter/);
      await terminal.key("Enter");
      const screen = await terminal.waitFor((screen) => screen.split(again).length === 3);
      assert.doesNotMatch(screen, /unproven|farness/);
      assert.deepEqual(logins, ["felix", "felix"]);
      await terminal.key("C-c");
      assert.equal(await terminal.exitCode(), 130);
    } finally {
      listener.close();
      await serving;
    }
  },
});

Deno.test({
  name: "a server that lets a person wait: told after two seconds",
  ignore,
  fn: async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answering = listener.accept().then(async (connection) => {
      await serverHandshake(connection);
      return connection;
    });
    const command = [...commandLine("client"), `127.0.0.1:${listener.addr.port}`];
    await using terminal = await Tmux.start({ command });
    await logIn(terminal, FAR);
    await terminal.waitFor("-- Waiting for the server");
    await terminal.key("C-c");
    assert.equal(await terminal.exitCode(), 130);
    (await answering).close();
  },
});

Deno.test({
  name:
    "a restart of the server: told once each way, what was half typed stays, what was said is sent",
  ignore,
  fn: () =>
    atTerminal(async (terminal, other, server, restart) => {
      await logIn(terminal, FAR);
      await terminal.waitFor("lobby (open)>");
      await terminal.type("half a li");
      server.kill("SIGKILL");
      await terminal.waitFor(
        /-- The connection was cut: reconnecting; .*\nlobby \(open, reconnecting\)> half a li$/,
      );
      await terminal.type("ne");
      await terminal.key("Enter");
      await terminal.type("and the ne");
      await terminal.waitFor(/reconnecting\)> and the ne$/);
      await server.ended();
      await restart();
      const screen = await terminal.waitFor(
        /-- Connected again\n(?:.*\n)*\[.*\] felix: half a line\nlobby \(open\)> and the ne$/,
      );
      assert.equal(screen.split("The connection was cut").length, 2);
      assert.equal((await other.event("message"))["text"], "half a line");
      await terminal.type("xt");
      await terminal.key("Enter");
      assert.equal((await other.event("message"))["text"], "and the next");
      await terminal.type("exit");
      await terminal.key("Enter");
      assert.equal(await terminal.exitCode(), 0);
    }),
});

Deno.test({
  name:
    "a server that does not know the person any more: the end, and what was typed is shown: exit 3",
  ignore,
  fn: () =>
    atTerminal(async (terminal, _, server, restart, db) => {
      await logIn(terminal, FAR);
      await terminal.waitFor("lobby (open)>");
      await terminal.type("half a line");
      server.kill("SIGTERM");
      await server.ended();
      const remove = ["user", "remove", FAR.username, "--db", db];
      assert.equal((await runProgram("server", remove)).code, 0);
      await restart();
      await terminal.waitFor(/Not sent: half a line\nLogin refused: /);
      assert.equal(await terminal.exitCode(), 3);
    }),
});

Deno.test({
  name:
    "who leaves during an outage leaves at once, and is told what was not stored: exit 1 or 130",
  ignore,
  fn: async () => {
    for (
      const [leave, code] of [
        [(terminal: Tmux) => terminal.key("C-d"), 1],
        [(terminal: Tmux) => terminal.key("C-c"), 130],
      ] as const
    ) {
      await atTerminal(async (terminal, _, server) => {
        await logIn(terminal, FAR);
        await terminal.waitFor("lobby (open)>");
        server.kill("SIGKILL");
        await terminal.waitFor("reconnecting)>");
        for (const text of ["one", "two"]) {
          await terminal.type(text);
          await terminal.key("Enter");
        }
        await leave(terminal);
        await terminal.waitFor("Left before the server had stored 2 messages of yours");
        for (const text of ["one", "two"]) await terminal.waitFor(`Perhaps not stored: ${text}`);
        assert.equal(await terminal.exitCode(), code);
      });
    }
  },
});

Deno.test({
  name: "a person sees what was said before, and more of it by /history, up to the beginning",
  ignore,
  fn: () =>
    atTerminal(async (terminal, other) => {
      for (let at = 1; at <= 55; at += 1) await other.send(`old ${at}`, `old-${at}`);
      for (let at = 1; at <= 55; at += 1) await other.event("ack");
      await logIn(terminal, FAR);
      await terminal.waitFor(/old 54\n.*old 55\nlobby \(open\)>/);
      await terminal.type("/history 3");
      await terminal.key("Enter");
      await terminal.waitFor(
        /-- Messages 3 to 5 of lobby; .*\n.*old 3\n.*old 4\n.*old 5\nlobby \(open\)>/,
      );
      await terminal.type("/history");
      await terminal.key("Enter");
      await terminal.waitFor(/-- Messages 1 to 2 of lobby: from its beginning\n.*old 1\n.*old 2\n/);
      await terminal.type("/history");
      await terminal.key("Enter");
      await terminal.waitFor("-- There are no older messages in lobby");
    }),
});

Deno.test({
  name: "a person in two rooms: the prompt says which one, and what is unread in the other",
  ignore,
  fn: () =>
    atTerminal(async (terminal, other, _server, _restart, db) => {
      const args = ["room", "create", "physics", "--topic", "Waves", "--db", db];
      assert.equal((await runProgram("server", args)).code, 0);
      await logIn(terminal, FAR);
      await terminal.waitFor("lobby (open)>");
      const type = async (line: string): Promise<void> => {
        await terminal.type(line);
        await terminal.key("Enter");
      };
      await type("/join physics");
      await terminal.waitFor(
        /You are in physics, an open room.*\n-- Topic: Waves\nphysics \(open\)>/,
      );
      await other.send("said in the lobby");
      await terminal.waitFor("physics (open) [lobby 1]>");
      await type("/names");
      await terminal.waitFor(/-- In physics: felix\n/);
      await type("/join lobby");
      const screen = await terminal.waitFor(
        /-- Unread in lobby: 1\n.*nora: said in the lobby\nlobby \(open\)>/,
      );
      assert.equal(screen.split("said in the lobby").length, 2, "not before");
      await type("/leave");
      await terminal.waitFor(/-- You left lobby\nphysics \(open\)>/);
      await type("/leave");
      await terminal.waitFor(/-- You left physics\n\(no room\)>/);
      await type("hello?");
      await terminal.waitFor(/Not sent: hello\?\nYou are in no room: \/join ROOM/);
      await type("exit");
      assert.equal(await terminal.exitCode(), 0);
    }),
});
