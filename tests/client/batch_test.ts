/**
 * Line mode and JSON mode in several rooms: which lines go where, what is shown how, and that no
 * command is ever sent as a text.
 *
 * @module
 */

import assert from "node:assert/strict";
import { COMMANDS } from "../../lib/client/commands/table.ts";
import { runJsonMode } from "../../lib/client/json_mode.ts";
import { runLineMode } from "../../lib/client/line_mode.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import type { Send } from "./puppet_room.ts";
import { Piped } from "./piped.ts";
import { PuppetServer } from "./puppet_server.ts";

/** An output that takes lines when it is told to. */
class SlowOutput {
  text = "";
  readonly #open = Promise.withResolvers<void>();
  readonly asked = Promise.withResolvers<void>();

  async write(bytes: Uint8Array): Promise<number> {
    this.asked.resolve();
    await this.#open.promise;
    this.text += new TextDecoder().decode(bytes);
    return bytes.length;
  }

  open(): void {
    this.#open.resolve();
  }
}

Deno.test("line mode ends when its output has taken the answers, all of them", async () => {
  await using server = await PuppetServer.start();
  const output = new SlowOutput();
  const lines = [new TextEncoder().encode("/help\n"), null];
  const input = {
    read(buffer: Uint8Array): Promise<number | null> {
      const line = lines.shift() ?? null;
      if (line !== null) buffer.set(line);
      return Promise.resolve(line === null ? null : line.length);
    },
  };
  let hasEnded = false;
  const ended = runLineMode(server.client, { input, output, complain: () => {} }, 0)
    .then(() => hasEnded = true);
  await output.asked.promise;
  assert.equal(await server.channel.receive(), null);
  await server.channel.close();
  for await (const _ of server.client); // the connection's end is known to all
  assert.equal(hasEnded, false);
  output.open();
  await ended;
  assert.match(output.text, /exit leaves, too\n$/);
});

/** Lets a client in that has asked for a room. */
async function letIn(server: PuppetServer): Promise<void> {
  const { room } = await server.receive("join");
  server.join(server.room(room).head, room);
}

async function takeSend(server: PuppetServer): Promise<[room: string, text: string]> {
  const [send] = await server.receiveSends(1) as [Send];
  server.ack(send);
  return [send.room, JSON.parse(server.room(send.room).key.decryptText(send.token)).text];
}

Deno.test("line mode: lines go to the room that was joined last, and each room's lines say so", async () => {
  await using server = await PuppetServer.start();
  const piped = new Piped(server, runLineMode);
  await piped.type("here", "/join #Physics", "there", "/join lobby", "here again");
  assert.deepEqual(await takeSend(server), [LOBBY, "here"]);
  await letIn(server);
  assert.deepEqual(await takeSend(server), ["physics", "there"]);
  assert.deepEqual(await takeSend(server), [LOBBY, "here again"]);
  server.deliver(server.store("hello"), server.room("physics").store("hello"));
  await piped.shown(/#physics/);
  assert.match(piped.output[0] ?? "", /^\[\d\d:\d\d:\d\d\] bob: hello$/);
  assert.match(piped.output[1] ?? "", /^\[\d\d:\d\d:\d\d\] #physics bob: hello$/);
  assert.equal(await piped.end(server), 0);
  assert.deepEqual(piped.diagnostics, ["Joined lobby as alice", "Joined physics"]);
});

Deno.test("line mode: a command that is refused is told with its line, and the exit code is 1", async () => {
  await using server = await PuppetServer.start();
  const piped = new Piped(server, runLineMode);
  await piped.type("/kick bob", "/jion physics", "/whois", "/msg bob", "/invite bob", "after");
  const { ref } = await server.receive("request");
  server.say({ type: "error", code: "not-operator", message: "Operators \x1b[2J only", ref });
  assert.deepEqual(await takeSend(server), [LOBBY, "after"]);
  assert.equal(await piped.end(server), 1);
  const said = piped.diagnostics.slice(1);
  assert.equal(said.length, 5);
  assert.match(said[0] ?? "", /^Line 1 was not done: Operators/);
  assert.match(
    said[1] ?? "",
    /^Line 2 was not sent: There is no command \/jion: did you mean \/join/,
  );
  assert.match(said[2] ?? "", /^Line 3 was not done: Use it so: \/whois NAME/);
  assert.match(said[3] ?? "", /^Line 4 was not done: Use it so: \/msg NAME TEXT/);
  assert.match(said[4] ?? "", /^Line 5 was not done: lobby is an open room/);
});

Deno.test("line mode: what follows a room that could not be joined goes to no other one", async () => {
  await using server = await PuppetServer.start();
  const piped = new Piped(server, runLineMode);
  await piped.type("/join physics", "meant for physics", "/join lobby", "meant for all");
  const { room } = await server.receive("join");
  server.say({ type: "error", code: "room-unknown", message: "no such room", room });
  assert.deepEqual(await takeSend(server), [LOBBY, "meant for all"]);
  assert.equal(await piped.end(server), 1);
  assert.match(piped.diagnostics.at(-1) ?? "", /^Line 2 was not sent: You are in no room/);
});

Deno.test("line mode: who is kicked out of the room is not taken to another one", async () => {
  await using server = await PuppetServer.start();
  const piped = new Piped(server, runLineMode);
  await piped.type("/join physics");
  await letIn(server);
  await piped.shown(/Joined physics/);
  server.say({ type: "left", room: "physics", code: "kicked", message: "out" });
  await piped.shown(/You are out of physics: out/);
  await piped.type("meant for physics", "/join lobby", "meant for all");
  assert.deepEqual(await takeSend(server), [LOBBY, "meant for all"]);
  assert.equal(await piped.end(server), 1);
  assert.match(piped.diagnostics.at(-1) ?? "", /^Line 2 was not sent: You are in no room/);
});

Deno.test("line mode: topics, names and sentences of others are harmless on a terminal", async () => {
  await using server = await PuppetServer.start();
  const piped = new Piped(server, runLineMode);
  const hostile = "\u202eevil\u2066";
  await piped.type("/rooms", "/names", "/topic");
  const answer = async (
    result: Parameters<typeof server.say>[0] & { type: "reply" },
  ): Promise<void> => {
    const { ref } = await server.receive("request");
    server.say({ ...result, ref });
  };
  server.room(LOBBY).topic = hostile;
  server.say(server.room(LOBBY).settings("bob"));
  const lobby = { room: LOBBY, kind: "open", topic: hostile, members: 1 } as const;
  await answer({ type: "reply", ref: 1, result: { is: "rooms", rooms: [lobby], more: 0 } });
  const bob = { user: "bob", role: "member", away: hostile } as const;
  await answer({
    type: "reply",
    ref: 2,
    result: { is: "names", room: LOBBY, names: [bob], more: 0 },
  });
  assert.equal(await piped.end(server), 0);
  assert.deepEqual(piped.output, [
    "* lobby (open), 1 here: \\u{202e}evil\\u{2066}",
    "In lobby: bob (away: \\u{202e}evil\\u{2066})",
    "The topic of lobby: \\u{202e}evil\\u{2066}",
  ]);
});

Deno.test("JSON mode: events name their room; send takes any that was joined, and no other", async () => {
  await using server = await PuppetServer.start();
  const piped = new Piped(server, runJsonMode);
  await piped.type(JSON.stringify({ type: "command", line: "/join physics" }));
  await letIn(server);
  await piped.shown(/"joined"/);
  for (const room of [LOBBY, "physics", "math"]) {
    await piped.type(JSON.stringify({ type: "send", room, text: `in ${room}` }));
  }
  assert.deepEqual(await takeSend(server), [LOBBY, "in lobby"]);
  assert.deepEqual(await takeSend(server), ["physics", "in physics"]);
  const changes = [{ user: "bob", change: "joined" } as const];
  server.say({ type: "presence", room: "physics", changes, more: 3 });
  assert.equal(await piped.end(server), 1);
  const events = piped.output.map((line) => JSON.parse(line));
  const find = (type: string): unknown => events.find((event) => event.type === type);
  assert.deepEqual(find("joined"), { type: "joined", room: "physics", kind: "open", topic: "" });
  assert.deepEqual(find("presence"), {
    type: "presence",
    room: "physics",
    kind: "open",
    changes,
    more: 3,
  });
  assert.equal((find("error") as { code?: string }).code, "room-unknown");
});

Deno.test("/passwd needs a terminal: nothing is asked, and nothing is changed", async () => {
  await using server = await PuppetServer.start();
  const piped = new Piped(server, runJsonMode);
  await piped.type(JSON.stringify({ type: "command", line: "/passwd" }));
  await piped.shown(/terminal-missing/);
  assert.equal(await piped.end(server), 1);
});

Deno.test("no line that begins with one slash is ever sent as a text", async () => {
  await using server = await PuppetServer.start({ reconnectForMs: 0 });
  const piped = new Piped(server, runLineMode);
  const stays = COMMANDS.filter(({ leaves, name }) => !leaves && name !== "leave");
  const words = stays.flatMap(({ name, aliases }) => [name, ...aliases]);
  await piped.type(
    ...words.flatMap((word) => [`/${word}`, `/${word}x y`]),
    "/join lobby",
    "//help",
    "the end",
  );
  for (;;) {
    const encoded = await server.receiveAny(["send", "request", "history"]);
    if (encoded.type === "request") {
      const { ref } = encoded;
      server.say({ type: "error", code: "no", message: "no", ref });
    } else if (encoded.type === "send") {
      server.ack(encoded);
      const { text } = JSON.parse(server.key.decryptText(encoded.token));
      if (text === "the end") break;
      assert.equal(text, "/help");
    }
  }
  assert.equal(await piped.end(server), 1);
});
