/**
 * Several rooms on one connection: which one a message is about, and what becomes of each when the
 * connection, or the room alone, is lost.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { AckEvent, ClientEvent } from "../../lib/client/events.ts";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { MAX_ROOMS_JOINED } from "../../lib/protocol/limits.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { assertFails, nextEvent } from "../attacks/server.ts";
import type { Send } from "./puppet_room.ts";
import { brief, PuppetServer } from "./puppet_server.ts";

/** Events with their rooms: `physics: message hello`. */
function briefWithRooms(events: readonly ClientEvent[]): string[] {
  return brief(events).map((line, at) => {
    const event = events[at] as ClientEvent;
    return "room" in event ? `${event.room}: ${line}` : line;
  });
}

Deno.test("each message is one of its room, and its room's log is followed by itself", async () => {
  await using server = await PuppetServer.start();
  const physics = await server.letIn("physics");
  server.deliver(physics.store("one"), server.store("two"), physics.store("three"));
  assert.deepEqual(briefWithRooms(await server.events()), [
    "physics: joined",
    "physics: message one",
    "lobby: message two",
    "physics: message three",
  ]);
  assert.deepEqual(server.client.rooms.map(({ room, head }) => [room, head]), [
    [LOBBY, server.head],
    ["physics", physics.head],
  ]);
});

Deno.test("a text goes to the first room, or to the one that is named, under that room's key", async () => {
  await using server = await PuppetServer.start();
  const physics = await server.letIn("physics");
  const sending = [server.client.send("here"), server.client.send("there", { room: "physics" })];
  const sends = await server.receiveSends(2);
  assert.deepEqual(sends.map(({ room }) => room), [LOBBY, "physics"]);
  assert.equal(sends[1]?.key_id, physics.key.id);
  for (const send of sends) server.ack(send);
  assert.deepEqual((await Promise.all(sending)).map(({ room, seq }) => [room, seq]), [
    [LOBBY, 1],
    ["physics", 1],
  ]);
  await assertFails(server.client.send("x", { room: "math" }), CallerError, "room-unknown");
});

Deno.test("two rooms have messages of one id, each with an ack of its own", async () => {
  await using server = await PuppetServer.start();
  await server.letIn("physics");
  const sending = [LOBBY, "physics"].map((room) => server.client.send("x", { id: "same", room }));
  const [here, there] = await server.receiveSends(2) as [Send, Send];
  server.ack(there);
  assert.equal((await sending[1] as AckEvent).room, "physics");
  const refusal = { code: "muted", message: "You are muted", room: here.room, id: here.id };
  server.say({ type: "error", ...refusal });
  await assertFails(sending[0] as Promise<AckEvent>, EnvironmentError, "muted");
});

Deno.test("what is delivered while a room is being joined belongs where it is sent to", async () => {
  await using server = await PuppetServer.start();
  const joining = server.client.join("physics");
  await server.receive("join");
  server.deliverText("meanwhile");
  server.join(server.room("physics").head, "physics");
  assert.equal((await joining).room, "physics");
  assert.deepEqual(brief(await server.events()), ["message meanwhile", "joined"]);
});

Deno.test("a room that refuses is an error of the join alone", async () => {
  await using server = await PuppetServer.start();
  const joining = server.client.join("math");
  await server.receive("join");
  const message = "There is no room math here";
  server.say({ type: "error", code: "room-unknown", message, room: "math" });
  await assertFails(joining, EnvironmentError, "room-unknown");
  assert.deepEqual(brief(await server.events()), []);
});

Deno.test("what cannot be joined is not asked for", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  await assertFails(client.join(LOBBY), CallerError, "room-joined");
  await assertFails(client.join("../x"), CallerError, "room-invalid");
  await assertFails(client.join("x", { history: -1 }), CallerError, "count-invalid");
  for (let at = 1; at < MAX_ROOMS_JOINED; at += 1) await server.letIn(`room-${at}`);
  await assertFails(client.join("one-too-many"), CallerError, "too-many");
  const again = client.send("next"); // and no join before it
  server.ack((await server.receiveSends(1))[0] as Send);
  await again;
});

Deno.test("after a cut each room is joined again behind what was followed there", async () => {
  await using server = await PuppetServer.start();
  const physics = await server.letIn("physics");
  server.deliver(physics.store("before"));
  await nextEvent(server.client, "message");
  const sending = server.client.send("mine", { room: "physics", id: "mine" });
  await server.receiveSends(1);
  server.cut();
  server.store("missed here");
  physics.store("missed there");
  const joins = await server.acceptRooms(2);
  assert.deepEqual(joins.map(({ room, after }) => [room, after]), [[LOBBY, 0], ["physics", 1]]);
  server.deliver(physics.log[1]!, server.log[0]!);
  const [again] = await server.receiveSends(1) as [Send];
  server.ack(again);
  assert.equal((await sending).seq, 3);
  assert.deepEqual(briefWithRooms(await server.events()), [
    "reconnecting connection-cut",
    "lobby: reconnected",
    "physics: reconnected",
    "physics: message missed there",
    "lobby: message missed here",
    "physics: ack mine",
  ]);
});

Deno.test("one room that refuses after a cut is left; the others go on", async () => {
  await using server = await PuppetServer.start();
  await server.letIn("physics");
  const sending = server.client.send("lost", { room: "physics" });
  await server.receiveSends(1);
  server.cut();
  await server.accept();
  await server.receive("join");
  await server.receive("join");
  server.say({ type: "error", code: "room-unknown", message: "It is gone", room: "physics" });
  server.join();
  await assertFails(sending, EnvironmentError, "room-unknown");
  server.deliverText("here");
  assert.deepEqual(briefWithRooms(await server.events()), [
    "physics: joined",
    "reconnecting connection-cut",
    "physics: left",
    "lobby: reconnected",
    "lobby: message here",
  ]);
  assert.deepEqual(server.client.rooms.map(({ room }) => room), [LOBBY]);
});

Deno.test("who is kicked while sending: nothing more of the room, the others go on", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const physics = await server.letIn("physics");
  const sending = [1, 2].map((at) => client.send(`${at}`, { room: "physics", id: `${at}` }));
  const [one] = await server.receiveSends(2) as [Send];
  const left = { room: "physics", code: "kicked", message: "olga put you out of physics" };
  server.say({ type: "left", ...left });
  server.ack(one); // it was on its way into the log
  server.say({ type: "error", code: "room-not-joined", message: "no", room: "physics", id: "2" });
  for (const each of sending) await assertFails(each, EnvironmentError, "kicked");
  await assertFails(client.send("3", { room: "physics" }), CallerError, "room-unknown");
  const events = await server.events();
  assert.deepEqual(briefWithRooms(events), ["physics: joined", "physics: left"]);
  assert.deepEqual(events[1], {
    type: "left",
    room: "physics",
    reason: "kicked",
    message: left.message,
  });
  physics.store("meanwhile");
  await server.letIn("physics");
  server.deliver(physics.store("back"));
  assert.deepEqual(brief(await server.events()), ["joined", "message back"]);
});

Deno.test("who waits for a place in a room's outbox is told as well when the room is lost", async () => {
  await using server = await PuppetServer.start();
  await server.letIn("physics");
  const sending = Array.from({ length: 300 }, () => server.client.send("x", { room: "physics" }));
  await server.receiveSends(256);
  server.say({ type: "left", room: "physics", code: "room-closed", message: "It is gone" });
  for (const each of sending) await assertFails(each, EnvironmentError, "room-closed");
  assert.equal(server.client.unstored, 0);
});

Deno.test("leave() waits for the acks of the room, and is out with the server's word", async () => {
  await using server = await PuppetServer.start();
  await server.letIn("physics");
  const order: string[] = [];
  const sending = server.client.send("last", { room: "physics" }).then(() => order.push("acked"));
  const leaving = server.client.leave("physics").then(() => order.push("left"));
  server.ack((await server.receiveSends(1))[0] as Send);
  assert.equal((await server.receive("leave")).room, "physics");
  server.say({ type: "left", room: "physics", code: "left", message: "You left" });
  await Promise.all([sending, leaving]);
  assert.deepEqual(order, ["acked", "left"]);
  await assertFails(server.client.leave("physics"), CallerError, "room-unknown");
});

Deno.test("who was leaving when the connection was cut has left, and does not join again", async () => {
  await using server = await PuppetServer.start();
  await server.letIn("physics");
  const leaving = server.client.leave("physics");
  await server.receive("leave");
  server.cut();
  await leaving;
  assert.deepEqual((await server.acceptRooms(1)).map(({ room }) => room), [LOBBY]);
  assert.deepEqual(briefWithRooms(await server.events()), [
    "physics: joined",
    "physics: left",
    "reconnecting connection-cut",
    "lobby: reconnected",
  ]);
});

Deno.test("who has left the last room stays connected, over outages too, and may join", async () => {
  await using server = await PuppetServer.start({ timing: { pingMs: 2 } });
  const { client } = server;
  const leaving = client.leave(LOBBY);
  await server.receive("leave");
  server.say({ type: "left", room: LOBBY, code: "left", message: "You left" });
  await leaving;
  assert.deepEqual(client.rooms, []);
  await assertFails(client.send("x"), CallerError, "room-missing");
  await server.receive("ping");
  server.cut();
  await server.accept();
  await server.receive("ping");
  assert.equal((await nextEvent(client, "notice")).code, "reconnected");
  await server.letIn("physics");
  assert.deepEqual(client.rooms.map(({ room }) => room), ["physics"]);
  await client.close();
  assert.equal(client.failure, undefined);
});

Deno.test("a room's first history holds back what is said there, and nothing else", async () => {
  await using server = await PuppetServer.start();
  const physics = server.room("physics");
  for (const text of ["old 1", "old 2"]) physics.store(text);
  await server.letIn("physics", { history: 2 });
  const asked = await server.receive("history");
  server.deliver(physics.store("new there"), server.store("new here"));
  assert.equal((await nextEvent(server.client, "message")).text, "new here");
  server.sayHistory(asked);
  assert.deepEqual(brief(await server.events()), ["past old 1", "past old 2", "message new there"]);
});

Deno.test("a room that is left while its history is on its way ends the wait for it", async () => {
  await using server = await PuppetServer.start();
  const physics = server.room("physics");
  physics.store("old");
  await server.letIn("physics", { history: 1 });
  const asked = await server.receive("history");
  server.deliver(physics.store("held"));
  server.say({ type: "left", room: "physics", code: "kicked", message: "out" });
  server.sayHistory(asked);
  assert.deepEqual(brief(await server.events()), ["joined", "message held", "left"]);
  await server.client.settled();
});

Deno.test("topic and speed limit: told when they change, on an outage's other side too", async () => {
  await using server = await PuppetServer.start();
  const lobby = server.room(LOBBY);
  lobby.topic = "exams";
  server.say(lobby.settings("olga"));
  lobby.slow = 10;
  server.say(lobby.settings());
  const about = { room: LOBBY, kind: "open" };
  assert.deepEqual(await server.events(), [
    { type: "topic", topic: "exams", ...about, by: "olga" },
    { type: "slow", seconds: 10, ...about },
  ]);
  server.cut();
  lobby.topic = "";
  await server.acceptAgain();
  assert.deepEqual((await server.events()).at(-1), { type: "topic", topic: "", ...about });
  assert.deepEqual([server.client.room.topic, server.client.room.slow], ["", 10]);
});

Deno.test("what concerns a room that was never joined, or was left, ends the connection", async () => {
  for (
    const lie of [
      (server: PuppetServer) => server.deliver(server.room("math").store("x")),
      (server: PuppetServer) => server.join(server.room("math").head, "math"),
      (server: PuppetServer) => server.join(),
      (server: PuppetServer) => server.say(server.room("math").settings()),
      (server: PuppetServer) => {
        server.say({ type: "left", room: LOBBY, code: "kicked", message: "out" });
        server.deliverText("all the same");
      },
    ]
  ) {
    await using server = await PuppetServer.start({ reconnectForMs: 0 });
    lie(server);
    assert.equal((await nextEvent(server.client, "closed")).reason, "room-inconsistent");
  }
});

for (const [code, exitCode] of [["banned", 3], ["account-removed", 3], ["kicked", 1]] as const) {
  Deno.test(`a good-bye of code ${code} is the end, with the exit code ${exitCode}`, async () => {
    await using server = await PuppetServer.start();
    server.say({ type: "bye", code, message: "it is over" });
    await server.channel.close();
    const closed = await nextEvent(server.client, "closed");
    assert.deepEqual([closed.reason, closed.message], [code, "it is over"]);
    assert.equal((server.client.failure as { exitCode?: number }).exitCode, exitCode);
  });
}
