/**
 * A person at a terminal, in several rooms: what the prompt says, what is shown where, and where
 * what is typed goes. The server answers as the test says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import type { Send } from "./puppet_room.ts";
import { PuppetServer } from "./puppet_server.ts";
import { Reader } from "./reader.ts";

/** Types `/join`, and lets the person in. */
async function join(reader: Reader, name: string): Promise<void> {
  const { server } = reader;
  const typing = reader.type(`/join ${name}`, new RegExp(`${name} \\(open\\)`));
  const { room } = await server.receive("join");
  server.join(server.room(room).head, room);
  await typing;
}

Deno.test("what is said in another room is counted in the prompt, and shown when one goes there", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await join(reader, "physics");
  server.deliver(server.store("one"), server.store("two"));
  await reader.io.shown(/physics \(open\) \[lobby 2\]> /);
  assert.doesNotMatch(reader.io.output, /bob/);
  await reader.type("/join lobby", /Unread in lobby: 2[\s\S]*bob: one[\s\S]*bob: two/);
  await reader.io.shown(/lobby \(open\)> /);
  server.deliver(server.room("physics").store("three"), server.store("four"));
  await reader.io.shown(/bob: four/);
  assert.doesNotMatch(reader.io.output, /three/);
});

// Takes the second and a half that a person is let wait for.
Deno.test("a command that takes its time is said to be under way, one that does not is not", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await join(reader, "chemistry");
  reader.io.type("/join physics\r");
  const { room } = await server.receive("join");
  await reader.io.shown(/-- \/join is under way/);
  server.join(server.room(room).head, room);
  await reader.io.shown(/physics \(open\)> /);
  assert.equal(reader.io.output.split("under way").length, 2);
});

Deno.test("what is typed right behind /join goes to that room, however fast", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  reader.io.type("/join physics\rhello\r");
  const { room } = await server.receive("join");
  server.join(server.room(room).head, room);
  const [send] = await server.receiveSends(1) as [Send];
  assert.equal(send.room, "physics");
  server.ack(send);
  await reader.io.shown(/alice: hello/);
});

Deno.test("what is typed right behind a /join that fails goes nowhere; what is typed then, as before", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  reader.io.type("/join physics\rfor physics\r/me waves\r\r");
  const { room } = await server.receive("join");
  server.say({ type: "error", code: "room-unknown", message: "There is no room physics", room });
  await reader.io.shown(
    /There is no room physics[^]*You are still in lobby[^]*for physics[^]*Not sent: \/me waves/,
  );
  assert.equal(reader.io.output.split("You are still in lobby").length, 2);
  reader.io.type("for the lobby\r");
  const [send] = await server.receiveSends(1) as [Send];
  assert.equal(JSON.parse(server.key.decryptText(send.token)).text, "for the lobby");
  assert.equal(send.room, LOBBY);
  server.ack(send);
});

Deno.test("of two /join in one breath the last decides where the lines behind go", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  reader.io.type("/join chemistry\r/join physics\rfor physics\r");
  const { room } = await server.receive("join");
  server.say({ type: "error", code: "room-unknown", message: "There is none", room });
  await server.receive("join");
  server.join(server.room("physics").head, "physics");
  const [send] = await server.receiveSends(1) as [Send];
  assert.equal(send.room, "physics");
  server.ack(send);
});

Deno.test("own words that are stored while one is elsewhere wait there, uncounted", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  reader.io.type("to the lobby\r/join physics\r");
  const [send] = await server.receiveSends(1) as [Send];
  await server.receive("join");
  server.join(server.room("physics").head, "physics");
  await reader.io.shown(/physics \(open\)> /);
  server.ack(send);
  await server.client.settled();
  await reader.type("/join lobby", /alice: to the lobby/);
  assert.doesNotMatch(reader.io.output, /Unread|\[lobby/);
});

Deno.test("who leaves before the server has stored what they said sees it once more", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  reader.io.type("one\rtwo\r");
  const [one] = await server.receiveSends(2) as [Send, Send];
  server.ack(one);
  await reader.io.shown(/alice: one/);
  reader.io.output = "";
  reader.io.type("\x03");
  await reader.io.shown(/had stored 1 message of yours[^]*Perhaps not stored: two/);
  assert.doesNotMatch(reader.io.output, /one/);
});

Deno.test("who is put out of the room is in none: nothing goes elsewhere until they choose", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await join(reader, "physics");
  server.say({ type: "left", room: "physics", code: "kicked", message: "olga put you out" });
  await reader.io.shown(/You are out of physics: olga put you out[\s\S]*\(no room\)> /);
  await reader.type(
    "meant for physics",
    /Not sent: meant for physics[\s\S]*You are in no room: \/join ROOM/,
  );
  await reader.type("/join lobby", /lobby \(open\)> /);
  reader.io.type("meant for all\r");
  const [send] = await server.receiveSends(1) as [Send];
  assert.equal(send.room, LOBBY);
  server.ack(send);
});

Deno.test("who leaves a room is in the first of the others, and in none after the last", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await join(reader, "physics");
  for (
    const [room, prompt] of [["physics", /lobby \(open\)> /], [LOBBY, /\(no room\)> /]] as const
  ) {
    const typing = reader.type("/leave", prompt);
    assert.equal((await server.receive("leave")).room, room);
    server.say({ type: "left", room, code: "left", message: "You left" });
    await typing;
  }
});

Deno.test("a lost connection and a found one are told once, however many rooms there are", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await join(reader, "physics");
  reader.io.output = "";
  server.cut();
  await reader.io.shown(/physics \(open, reconnecting\)> /);
  await server.acceptRooms(2);
  server.deliver(server.room("physics").store("after"));
  await reader.io.shown(/bob: after/);
  assert.equal(reader.io.output.split("Connected again").length, 2);
});

Deno.test("who leaves a room during an outage is told all the same when it is over", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await join(reader, "physics");
  server.cut();
  await reader.io.shown(/physics \(open, reconnecting\)> /);
  await reader.type("/leave", /You left physics[^]*lobby \(open, reconnecting\)> /);
  await server.acceptRooms(1);
  await reader.io.shown(/-- Connected again\r\n[^]*lobby \(open\)> /);
});

Deno.test("presence and topics are told in their room alone, own presence not at all", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await join(reader, "physics");
  const others = Array.from({ length: 40 }, (_, at) => `student${at}`);
  const changes = ["alice", ...others].map((user) => ({ user, change: "joined" as const }));
  server.room(LOBBY).topic = "of the lobby";
  server.say(server.room(LOBBY).settings("olga"));
  server.say({ type: "presence", room: LOBBY, changes: changes.slice(0, 3), more: 0 });
  server.say({ type: "presence", room: "physics", changes, more: 0 });
  await reader.io.shown(/-- student0, student1 and 38 others joined/);
  assert.doesNotMatch(reader.io.output, /of the lobby/);
  await reader.type("/join lobby", /lobby \(open\)> /);
  await reader.type("/topic", /-- The topic of lobby: of the lobby/);
});

Deno.test("/me is shown as what one does; /msg without a text sends nothing", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await reader.type("/msg bob", /Use it so: \/msg NAME TEXT/);
  reader.io.type("/me  waves\r");
  const [send] = await server.receiveSends(1) as [Send];
  assert.deepEqual(JSON.parse(server.key.decryptText(send.token)).text, "waves");
  server.ack(send);
  await reader.io.shown(/\* alice waves/);
});

Deno.test("/help is one screen; all commands are there, one with an example, none that is not", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await reader.type("/help", /\/join ROOM[\s\S]*\/dm NAME[\s\S]*\/exit [\s\S]*-- \/\/TEXT sends/);
  const shown = reader.io.output.split("\r\n").filter((line) => line.includes("-- "));
  assert.ok(shown.length <= 20, `${shown.length} lines and a prompt, of 24`);
  await reader.type(
    "/help all",
    /\/ban NAME[\s\S]*Rooms:[\s\S]*\/kick NAME[\s\S]*-- \/\/TEXT sends/,
  );
  const lines = reader.io.output.split("\r\n").slice(1); // without the prompt before it
  for (const line of lines.filter((line) => !line.includes("\x1b"))) {
    assert.match(line, /^-- .{1,76}$/);
  }
  await reader.type("/help /BAN", /\/ban NAME \[TIME\] \[REASON\][\s\S]*For example: \/ban/);
  await reader.type("/help kik", /did you mean \/kick\?/);
});

Deno.test("/passwd asks three times, unseen, and says what is wrong before it changes anything", async () => {
  await using server = await PuppetServer.start();
  await using reader = new Reader(server);
  await reader.type("/passwd", /Old password: /);
  await reader.type("old secret", /New password: /);
  await reader.type("new secret", /The same again: /);
  await reader.type("another", /The two passwords differ: nothing was changed/);
  await reader.io.shown(/lobby \(open\)> /);
  assert.doesNotMatch(reader.io.output, /secret|another/);
});
