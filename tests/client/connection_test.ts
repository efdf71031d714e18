/**
 * The SDK against a real server, and against one that acks when the test says so.
 *
 * @module
 */

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { connect } from "../../lib/client/connection.ts";
import type { AckEvent, MessageEvent } from "../../lib/client/events.ts";
import { MAX_UNACKED } from "../../lib/client/outbox.ts";
import { CallerError, ConnectError, EnvironmentError, ExitCode } from "../../lib/errors.ts";
import { LoginError, PeerError } from "../../lib/errors.ts";
import { serverHandshake } from "../../lib/protocol/handshake.ts";
import { encodeServerMessage } from "../../lib/protocol/messages.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { ALICE, allEvents, assertFails, assertHeard, BOB, connectAs } from "../attacks/server.ts";
import { nextEvent, TestServer } from "../attacks/server.ts";
import type { Send } from "./puppet_room.ts";
import { PuppetServer } from "./puppet_server.ts";

/** One connection, and no second one. */
const ONCE = { reconnectForMs: 0 };

Deno.test("two clients chat: ready, messages in order, acks in order, closed", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  const alice = await server.connect(ALICE);
  const bob = await server.connect({ ...BOB, username: "BOB" });
  assert.deepEqual(await nextEvent(bob, "ready"), {
    type: "ready",
    user: "bob",
    room: LOBBY,
    server: `127.0.0.1:${server.port}`,
    kind: "open",
  });
  const texts = Array.from({ length: 50 }, (_, at) => `message ${at}`);
  const acks = await Promise.all(texts.map((text) => alice.send(text)));
  assert.deepEqual(acks.map(({ seq }) => seq), texts.map((_, at) => at + 1));
  const heard: MessageEvent[] = [];
  while (heard.length < texts.length) heard.push(await nextEvent(bob, "message"));
  assert.deepEqual(
    heard.map(({ text, seq }) => [text, seq]),
    texts.map((text, at) => [text, at + 1]),
  );
  assert.ok(
    heard.every(({ sender, kind, history }) => sender === "alice" && kind === "open" && !history),
  );
  assert.deepEqual(heard.map(({ id }) => id), acks.map(({ id }) => id));
  await Promise.all([alice.close(), bob.close()]);
  const events = await allEvents(alice);
  const ackEvents = events.filter((event): event is AckEvent => event.type === "ack");
  assert.deepEqual(ackEvents, acks);
  assert.deepEqual(events.at(-1), { type: "closed", reason: "left", message: "You left" });
  assert.deepEqual(alice.room.head, { seq: 50, chain: server.entries().at(-1)?.chain });
});

Deno.test("a message that is sent again is acked with its first place, and not shown again", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB);
  const first = await alice.send("hello", { id: "same-id" });
  await alice.send("between");
  assert.equal((await alice.send("hello again", { id: "same-id" })).seq, first.seq);
  for (const text of ["hello", "between"]) {
    assert.equal((await nextEvent(bob, "message")).text, text);
  }
  await assertHeard(alice, bob, "after");
  assert.deepEqual(server.texts(), ["hello", "between", "after"]);
});

Deno.test("a stopping server says so: the event, the end of the events, later sends", async () => {
  await using server = await TestServer.start([ALICE]);
  const alice = await server.connect(ALICE);
  const ack = await alice.send("before");
  await server.stop();
  const events = await allEvents(alice);
  assert.deepEqual(events.map(({ type }) => type), ["ready", "ack", "closed"]);
  assert.deepEqual(events.at(-1), {
    type: "closed",
    reason: "server-stopping",
    message: "The server is stopping",
  });
  assert.deepEqual(events[1], ack);
  assert.deepEqual(await allEvents(alice), []); // the end stays the end
  await assertFails(alice.send("after"), PeerError, "connection-cut");
  await alice.close(); // safe
});

Deno.test("a refused login, an unknown room and a dead port are three different errors", async () => {
  await using server = await TestServer.start([ALICE]);
  const wrong = { ...ALICE, password: "wrong", port: server.port };
  const refused = await assertFails(connect(wrong), LoginError, "login-refused");
  assert.equal(refused.exitCode, ExitCode.loginRefused);
  const room = connectAs({ ...ALICE, port: server.port, room: "physics" });
  const unknown = await assertFails(room, EnvironmentError, "room-unknown");
  assert.equal(unknown.exitCode, ExitCode.failure);
  const { port } = server;
  await server.stop();
  const dead = await assertFails(connectAs({ ...ALICE, port }), ConnectError, "cannot-connect");
  assert.equal(dead.exitCode, ExitCode.cannotConnect);
});

Deno.test("a server that shakes hands and then says nothing: a clear end, and what to do", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = listener.accept().then(async (connection) => {
    await serverHandshake(connection);
    return connection;
  });
  const timing = { answerMs: 20 };
  const attempt = connectAs({ ...ALICE, port: listener.addr.port, timing });
  const error = await assertFails(attempt, ConnectError, "cannot-connect");
  assert.match(error.message, /did not answer in time/);
  assert.ok(error.hint);
  assert.equal(error.exitCode, ExitCode.cannotConnect);
  (await answering).close();
});

Deno.test("connect() refuses a number of older messages that is none", async () => {
  await using server = await TestServer.start([ALICE]);
  for (const history of [-1, 1_001, 0.5]) {
    const attempt = connectAs({ ...ALICE, port: server.port, history });
    await assertFails(attempt, CallerError, "count-invalid");
  }
});

Deno.test("send() refuses what cannot be sent, and sends nothing of it", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  await assertFails(client.send("x".repeat(16 * 1024 + 1)), CallerError, "text-too-long");
  await assertFails(client.send("\ud800"), CallerError, "text-invalid");
  await assertFails(client.send("text", { id: "" }), CallerError, "id-invalid");
  await assertFails(client.send("text", { id: "a b" }), CallerError, "id-invalid");
  const sending = client.send("text", { id: "same" });
  await assertFails(client.send("text", { id: "same" }), CallerError, "id-invalid"); // still on its way
  const [send] = await server.receiveSends(1);
  assert.equal(send?.id, "same");
  server.ack(send as Send);
  await sending;
});

Deno.test(`send() keeps ${MAX_UNACKED} messages on their way, and no more`, async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const sending = Array.from({ length: MAX_UNACKED }, (_, at) => client.send(`message ${at}`));
  const sends = await server.receiveSends(MAX_UNACKED);
  for (let more = 0; more < 2; more++) {
    sending.push(client.send("one more"));
    let came = false;
    const next = server.receiveSends(1).finally(() => came = true);
    for (let turn = 0; turn < 200; turn++) await nextTurn(); // time to send on, if it would
    assert.equal(came, false);
    server.ack(sends[more] as Send); // a place for one
    sends.push(...await next);
  }
  for (const send of sends.slice(2)) server.ack(send);
  const acks = await Promise.all(sending);
  assert.deepEqual(acks.map(({ seq }) => seq), sending.map((_, at) => at + 1));
});

Deno.test("close() waits for the acks of what was sent", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const order: string[] = [];
  const sending = client.send("text").then(() => order.push("acked"));
  const closing = client.close().then(() => order.push("closed"));
  const [send] = await server.receiveSends(1);
  server.ack(send as Send);
  assert.equal(await server.channel.receive(), null); // its authenticated close comes afterwards
  await server.channel.close();
  await Promise.all([sending, closing]);
  assert.deepEqual(order, ["acked", "closed"]);
});

Deno.test("a cut connection ends what waits for acks, and is no good-bye", async () => {
  await using server = await PuppetServer.start(ONCE);
  const sending = server.client.send("text");
  await server.receiveSends(1);
  server.cut();
  await assertFails(sending, PeerError, "connection-cut");
  const closed = await nextEvent(server.client, "closed");
  assert.equal(closed.reason, "connection-cut");
});

Deno.test("an authenticated close without a word is another event than a cut", async () => {
  await using server = await PuppetServer.start(ONCE);
  await server.channel.close();
  assert.equal((await nextEvent(server.client, "closed")).reason, "server-closed");
});

Deno.test("an ack of what was not sent ends the connection", async () => {
  await using server = await PuppetServer.start(ONCE);
  server.say({ type: "ack", room: LOBBY, id: "never", seq: 1, chain: "0".repeat(64) });
  assert.equal((await nextEvent(server.client, "closed")).reason, "message-unexpected");
});

Deno.test("a message in the wrong state and an invalid one end the connection", async () => {
  for (
    const [bytes, reason] of [
      [encodeServerMessage({ type: "registered" }), "message-unexpected"],
      [new TextEncoder().encode('{ "type":"registered"}'), "message-invalid"],
      [new Uint8Array(), "message-invalid"],
    ] as const
  ) {
    await using server = await PuppetServer.start(ONCE);
    server.channel.send(bytes);
    assert.equal((await nextEvent(server.client, "closed")).reason, reason);
  }
});

Deno.test("a refused message rejects its send alone; the connection goes on", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const sending = [client.send("one"), client.send("two")];
  const [one, two] = await server.receiveSends(2) as [Send, Send];
  server.say({ type: "error", code: "token-invalid", message: "no", room: LOBBY, id: one.id });
  server.ack(two);
  await assertFails(sending[0] as Promise<AckEvent>, PeerError, "token-invalid");
  assert.equal((await sending[1])?.seq, 1);
  const { type: _type, ...event } = await nextEvent(client, "error");
  assert.deepEqual(event, { code: "token-invalid", message: "no", room: LOBBY, id: one.id });
});

Deno.test("who does not read events holds the server up, loses nothing, and can go on", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const count = 3_000;
  for (let at = 0; at < count; at++) server.deliverText("hello");
  while (client.room.head.seq < 1_023) await nextTurn();
  for (let turn = 0; turn < 1_000; turn++) await nextTurn(); // time to go on, if it would
  assert.ok(client.room.head.seq <= 1_025, `followed ${client.room.head.seq}`);
  const heard: number[] = [];
  for await (const event of client) {
    assert.notEqual(event.type, "error");
    if (event.type === "message") heard.push(event.seq);
    if (heard.length === count) break;
  }
  assert.deepEqual(heard, Array.from({ length: count }, (_, at) => at + 1));
});

/** Lets the event loop turn once: sockets that are ready make progress. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

Deno.test("a message that is sent and at once followed by close() is stored and acked", async () => {
  await using server = await TestServer.start([ALICE]);
  const chat = await server.connect(ALICE);
  const sends = Array.from({ length: 300 }, (_, at) => chat.send(`${at}`));
  await chat.close();
  const acks = await Promise.all(sends);
  assert.deepEqual(acks.map((ack) => ack.seq), sends.map((_, at) => at + 1));
});

Deno.test("close() ends although nobody has read more events than may wait", async () => {
  await using server = await TestServer.start([ALICE]);
  const chat = await server.connect(ALICE);
  const sends = Array.from({ length: 1_500 }, (_, at) => chat.send(`${at}`));
  await sends[0];
  await chat.close();
  assert.equal((await Promise.all(sends)).at(-1)?.seq, 1_500);
});
