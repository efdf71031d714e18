/**
 * The client over outages, against a server that cuts, forgets and answers as the test says: nothing
 * is lost, doubled or moved.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { AckEvent, ReconnectingEvent } from "../../lib/client/events.ts";
import { CallerError, EnvironmentError, LoginError, PeerError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { allEvents, assertFails, nextEvent } from "../attacks/server.ts";
import type { Send } from "./puppet_room.ts";
import { brief, PuppetServer } from "./puppet_server.ts";

const CUT = "reconnecting connection-cut";

/** The texts that messages carry, read with the newest key. */
function textsOf(server: PuppetServer, sends: readonly Send[]): string[] {
  return sends.map(({ token }) => JSON.parse(server.key.decryptText(token)).text);
}

Deno.test("after a cut the client joins again behind what it followed, and catches up", async () => {
  await using server = await PuppetServer.start();
  server.deliverText("before");
  await nextEvent(server.client, "message");
  server.cut();
  server.store("missed 1");
  server.store("missed 2");
  assert.equal((await server.acceptAgain()).after, 1);
  server.deliver(...server.log.slice(1));
  assert.deepEqual(brief(await server.events()), [
    CUT,
    "reconnected",
    "message missed 1",
    "message missed 2",
  ]);
  assert.deepEqual(server.client.room.head, server.head);
});

Deno.test("reconnecting tells the attempt, the wait, a code and a sentence; reconnected the end", async () => {
  await using server = await PuppetServer.start();
  server.store("missed");
  server.say({ type: "bye", code: "server-stopping", message: "Back soon" });
  await server.channel.close();
  const { delay_ms, ...event } = await nextEvent(server.client, "reconnecting");
  assert.ok(delay_ms >= 1 && delay_ms <= 2);
  const [reason, message] = ["server-stopping", "Back soon"];
  assert.deepEqual(event, { type: "reconnecting", attempt: 1, reason, message });
  await server.acceptAgain();
  const reconnected = await nextEvent(server.client, "reconnected");
  assert.deepEqual(reconnected, {
    type: "reconnected",
    room: LOBBY,
    kind: "open",
    last_seq: 1,
  });
});

Deno.test("what was not acked is sent again in its order, with what was said meanwhile behind", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const sending = ["one", "two", "three"].map((text) => client.send(text, { id: text }));
  const before = await server.receiveSends(3);
  server.ack(before[0] as Send);
  await sending[0];
  server.cut();
  await nextEvent(client, "reconnecting");
  sending.push(client.send("four", { id: "four" }));
  await server.acceptAgain();
  const again = await server.receiveSends(3);
  assert.deepEqual(textsOf(server, again), ["two", "three", "four"]);
  assert.deepEqual(again.slice(0, 2), before.slice(1), "the same tokens");
  for (const send of again) server.ack(send);
  const acks = await Promise.all(sending);
  assert.deepEqual(acks.map(({ id, seq }) => [id, seq]), [
    ["one", 1],
    ["two", 2],
    ["three", 3],
    ["four", 4],
  ]);
});

Deno.test("nothing is sent again before the client has followed the log to its end", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const sending = [client.send("stored", { id: "a" }), client.send("lost", { id: "b" })];
  const [stored] = await server.receiveSends(2);
  server.storeSent(stored as Send); // and cut before the ack
  server.cut();
  server.store("from bob");
  await server.acceptAgain();
  server.deliver(...server.log);
  const again = await server.receiveSends(1);
  assert.deepEqual(textsOf(server, again), ["lost"]);
  server.ack(again[0] as Send);
  assert.deepEqual((await Promise.all(sending)).map(({ seq }) => seq), [1, 3]);
  assert.deepEqual(brief(await server.events()), [
    CUT,
    "reconnected",
    "ack a",
    "message from bob",
    "ack b",
  ]);
});

Deno.test("an ack behind the delivery that took its place is no fault", async () => {
  await using server = await PuppetServer.start();
  const sending = server.client.send("text", { id: "a" });
  const [send] = await server.receiveSends(1) as [Send];
  const entry = server.storeSent(send);
  server.deliver(entry);
  server.ackEntry(entry);
  assert.deepEqual(await sending, { type: "ack", room: LOBBY, id: "a", seq: 1 });
  assert.deepEqual(brief(await server.events()), ["ack a"]);
});

Deno.test("an ack of what waits, but was not sent on this connection, ends it", async () => {
  await using server = await PuppetServer.start();
  const sending = server.client.send("text", { id: "a" });
  const [send] = await server.receiveSends(1) as [Send];
  server.cut();
  const entry = server.storeSent(send);
  await server.acceptAgain();
  server.ackEntry(entry); // before the delivery that leads there
  await assertFails(sending, PeerError, "connection-cut");
  assert.equal((await nextEvent(server.client, "closed")).reason, "message-unexpected");
});

Deno.test("a server that has a new key after the outage gets sealed anew what was not acked", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const older = server.key;
  const sending = client.send("text", { id: "a" });
  const [before] = await server.receiveSends(1) as [Send];
  server.cut();
  server.keys = [FernetKey.generate()];
  await server.acceptAgain();
  const [again] = await server.receiveSends(1) as [Send];
  assert.deepEqual([again.id, again.sent_at], [before.id, before.sent_at]);
  assert.deepEqual([before.key_id, again.key_id], [older.id, server.key.id]);
  assert.deepEqual(textsOf(server, [again]), ["text"]);
  server.deliver(server.storeSent(again)); // as a server does with what was sealed again
  await sending;
  const notice = await nextEvent(client, "notice");
  assert.equal(notice.code, "key-changed");
  assert.ok(notice.message.includes(`new key (${server.key.id})`), notice.message);
  assert.ok(notice.message.includes(`older key (${older.id})`), notice.message);
});

Deno.test("a new key during the connection: told, used from then on, and the older one still reads", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const older = server.key;
  server.keys = [FernetKey.generate(), older];
  server.say({ type: "keys", room: LOBBY, keys: server.keys.map(String) });
  const { message } = await nextEvent(client, "notice");
  assert.equal(message, `lobby has a new key (${server.key.id})`);
  client.send("text").catch(() => {});
  const [send] = await server.receiveSends(1) as [Send];
  assert.equal(send.key_id, server.key.id);
  server.ack(send);
  server.say({ type: "keys", room: LOBBY, keys: [String(server.key)] });
  server.deliver(server.store("with the older one", { key: older }));
  assert.equal((await nextEvent(client, "message")).text, "with the older one");
});

Deno.test("key-outdated: the text is sealed again under its id, and nobody notices", async () => {
  await using server = await PuppetServer.start();
  const sending = server.client.send("text", { id: "a" });
  const [send] = await server.receiveSends(1) as [Send];
  server.keys.unshift(FernetKey.generate());
  server.say({ type: "keys", room: LOBBY, keys: server.keys.map(String) });
  server.say({ type: "error", code: "key-outdated", message: "no", room: LOBBY, id: "a" });
  const [again] = await server.receiveSends(1) as [Send];
  assert.deepEqual([again.id, again.sent_at, again.key_id], ["a", send.sent_at, server.key.id]);
  server.ack(again);
  assert.equal((await sending).seq, 1);
  assert.deepEqual(brief(await server.events()), ["notice key-changed", "ack a"]);
});

Deno.test("key-outdated for ever, or without a new key: the message is refused", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const refuse = (id: string): void =>
    server.say({ type: "error", code: "key-outdated", message: "no", room: LOBBY, id });
  const sending = client.send("text", { id: "same" });
  await server.receiveSends(1);
  refuse("same");
  assert.equal((await sending.catch((error) => error)).code, "key-outdated");
  const another = client.send("text", { id: "other" });
  for (let times = 0; times < 4; times += 1) {
    await server.receiveSends(1);
    server.keys.unshift(FernetKey.generate());
    server.say({ type: "keys", room: LOBBY, keys: server.keys.map(String) });
    refuse("other");
  }
  assert.equal((await another.catch((error) => error)).code, "key-outdated");
});

Deno.test("a message said twice under one id while offline goes out once", async () => {
  await using server = await PuppetServer.start();
  server.cut();
  await nextEvent(server.client, "reconnecting");
  const sending = server.client.send("text", { id: "a" });
  assert.equal(
    (await server.client.send("text", { id: "a" }).catch((error) => error)).code,
    "id-invalid",
  );
  await server.acceptAgain();
  const [send] = await server.receiveSends(1) as [Send];
  server.ack(send);
  await sending;
});

Deno.test("close() waits through an outage for what was said", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const sending = client.send("text", { id: "a" });
  await server.receiveSends(1);
  const closing = client.close();
  server.cut();
  await server.acceptAgain();
  const [send] = await server.receiveSends(1) as [Send];
  server.ack(send);
  await sending;
  assert.equal(await server.channel.receive(), null); // its good-bye
  await server.channel.close();
  await closing;
  assert.equal(client.failure, undefined);
  assert.equal((await allEvents(client)).at(-1)?.type, "closed");
});

Deno.test("close() during an outage with nothing to send ends at once", async () => {
  await using server = await PuppetServer.start({
    timing: { leastDelayMs: 1e9, mostDelayMs: 1e9 },
  });
  server.cut();
  await nextEvent(server.client, "reconnecting");
  assert.equal(server.client.isOnline, false);
  await server.client.close();
  assert.deepEqual(brief(await allEvents(server.client)), ["closed left"]);
});

Deno.test("abandon() gives up what waits, in an outage too, and says how much that is", async () => {
  await using server = await PuppetServer.start({
    timing: { leastDelayMs: 1e9, mostDelayMs: 1e9 },
  });
  const { client } = server;
  server.cut();
  await nextEvent(client, "reconnecting");
  const sending = [client.send("one"), client.send("two")];
  assert.equal(client.unstored, 2);
  client.abandon();
  for (const each of sending) await assertFails(each, PeerError, "connection-cut");
  assert.deepEqual(brief(await allEvents(client)), ["closed left"]);
});

Deno.test("the time for attempts is over: the last reason is the end, and what waits fails", async () => {
  await using server = await PuppetServer.start({ reconnectForMs: 20 });
  const { client } = server;
  server.refuseConnections();
  server.cut();
  const sending = client.send("text");
  sending.catch(() => {});
  const events = await allEvents(client);
  const attempts = events.filter((event): event is ReconnectingEvent =>
    event.type === "reconnecting"
  );
  assert.ok(attempts.length > 0);
  assert.deepEqual(attempts.map(({ attempt }) => attempt), attempts.map((_, at) => at + 1));
  assert.deepEqual(brief(events.slice(-1)), ["closed cannot-connect"]);
  assert.equal((client.failure as { exitCode?: number }).exitCode, 4);
  await assertFails(sending, PeerError, "connection-cut");
});

for (const code of ["server-stopping", "server-failed", "too-slow", "deadline-missed"]) {
  Deno.test(`a good-bye of code ${code} is an outage`, async () => {
    await using server = await PuppetServer.start();
    server.say({ type: "bye", code, message: "for now" });
    await server.channel.close();
    await server.acceptAgain();
    assert.deepEqual(brief(await server.events()), [`reconnecting ${code}`, "reconnected"]);
  });
}

for (const code of ["message-invalid", "message-unexpected", "frame-too-large", "who-knows"]) {
  Deno.test(`a good-bye of code ${code} is the end`, async () => {
    await using server = await PuppetServer.start();
    server.say({ type: "bye", code, message: "it is you" });
    await server.channel.close();
    const closed = { type: "closed", reason: code, message: "it is you" };
    assert.deepEqual((await allEvents(server.client)).at(-1), closed);
  });
}

Deno.test("a server that says good-bye and then nothing does not hold the client up", async () => {
  await using server = await PuppetServer.start({ timing: { closeMs: 5, lookMs: 1e9 } });
  server.say({ type: "bye", code: "server-stopping", message: "for now" });
  await server.acceptAgain();
  assert.deepEqual(brief(await server.events()), ["reconnecting server-stopping", "reconnected"]);
});

Deno.test("a login that is refused or relayed, and another name, end it; throttled does not", async () => {
  for (
    const [error, ends] of [
      [new LoginError("login-refused", "no"), true],
      [new LoginError("login-relayed", "no"), true],
      [new LoginError("login-throttled", "no"), false],
    ] as const
  ) {
    await using server = await PuppetServer.start();
    server.failLogins(error);
    server.cut();
    await nextEvent(server.client, "reconnecting");
    const next = ends
      ? await nextEvent(server.client, "closed")
      : await nextEvent(server.client, "reconnecting");
    assert.equal(next.reason, error.code);
    if (ends) assert.equal(server.client.failure, error);
  }
  await using server = await PuppetServer.start();
  server.user = "mallory";
  server.cut();
  await server.accept();
  assert.equal((await nextEvent(server.client, "closed")).reason, "message-unexpected");
});

Deno.test("a room that is gone after the outage is left, and the connection goes on", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const sending = client.send("text");
  await server.receiveSends(1);
  server.cut();
  await server.accept();
  await server.receive("join");
  const [code, message] = ["room-unknown", "No such room"];
  server.say({ type: "error", code, message, room: LOBBY });
  const left = await nextEvent(client, "left");
  assert.deepEqual(left, { type: "left", room: LOBBY, reason: code, message });
  await assertFails(sending, EnvironmentError, code);
  assert.deepEqual(client.rooms, []);
  await assertFails(client.send("text"), CallerError, "room-missing");
  await server.letIn("physics");
  assert.equal(client.room.room, "physics");
});

Deno.test("a server that is silent for too long is given up, after pings", async () => {
  await using server = await PuppetServer.start({
    timing: { pingMs: 5, silenceMs: 40, lookMs: 5 },
  });
  await server.receive("ping");
  await server.receive("ping");
  await server.acceptAgain();
  assert.deepEqual(brief(await server.events()), ["reconnecting deadline-missed", "reconnected"]);
});

Deno.test("a server that answers pings, and nothing else, is not given up", async () => {
  await using server = await PuppetServer.start({
    timing: { pingMs: 2, silenceMs: 200, lookMs: 5 },
  });
  for (let at = 0; at < 200; at += 1) { // more than 0.4 s
    await server.receive("ping");
    server.say({ type: "pong" });
  }
  assert.deepEqual(brief(await server.events()), []);
});

Deno.test("a client whose owner does not read is not taken for a silent server", async () => {
  await using server = await PuppetServer.start({
    timing: { pingMs: 2, silenceMs: 40, lookMs: 2 },
  });
  const { client } = server;
  const count = 1_500;
  for (let at = 0; at < count; at += 1) server.deliverText("hello");
  while (client.room.head.seq < 1_023) await server.receive("ping");
  for (let at = 0; at < 60; at += 1) await server.receive("ping"); // 120 ms, without a pong
  const heard: string[] = [];
  for await (const event of client) {
    heard.push(event.type);
    if (heard.length > count) break;
  }
  assert.deepEqual(new Set(heard), new Set(["ready", "message"]));
});

Deno.test("a server that stops while the client joins, or does not answer, is tried again", async () => {
  await using server = await PuppetServer.start({
    timing: { silenceMs: 50, lookMs: 10 },
  });
  server.cut();
  await server.accept();
  await server.receive("join");
  server.say({ type: "bye", code: "server-stopping", message: "not now" });
  await server.accept();
  await server.receive("join");
  await server.acceptAgain();
  assert.deepEqual(brief(await server.events()), [
    CUT,
    "reconnecting server-stopping",
    "reconnecting deadline-missed",
    "reconnected",
  ]);
});

Deno.test("attempts count on over connections that were of no use, and begin anew after one that was", async () => {
  await using server = await PuppetServer.start({
    timing: { mostDelayMs: 1e9 }, // a connection that holds for as long was of use by that alone
  });
  const { client } = server;
  const attempts: number[] = [];
  const loseAndFind = async (): Promise<void> => {
    server.cut();
    attempts.push((await nextEvent(client, "reconnecting")).attempt);
    await server.acceptAgain();
    await nextEvent(client, "reconnected");
  };
  await loseAndFind();
  await loseAndFind();
  server.deliverText("something");
  await nextEvent(client, "message");
  await loseAndFind();
  assert.deepEqual(attempts, [1, 2, 1]);
});

Deno.test("messages that need a key that came and went are counted in one line", async () => {
  await using server = await PuppetServer.start();
  server.cut();
  const lost = FernetKey.generate();
  for (let at = 0; at < 30; at += 1) server.store("unreadable", { key: lost });
  server.store("readable");
  await server.acceptAgain();
  server.deliver(...server.log);
  const events = (await server.events()).slice(2);
  assert.deepEqual(events.at(-1), {
    type: "notice",
    code: "older-key",
    message: `30 older messages need an older key (${lost.id})`,
    room: LOBBY,
  });
  assert.deepEqual(brief(events.slice(0, -1)), ["message readable"]);
});

Deno.test("200 messages over ten cuts: each is stored and acked once, in order", async () => {
  await using server = await PuppetServer.start();
  const { client } = server;
  const count = 200;
  const sending: Promise<AckEvent>[] = [];
  for (let at = 0; at < count; at += 1) sending.push(client.send(`${at}`, { id: `${at}` }));
  for (let round = 0; round < 10; round += 1) {
    const stored = new Set(server.log.map(({ messageId }) => messageId));
    for (const [at, send] of (await server.receiveSends(15)).entries()) {
      assert.ok(!stored.has(send.id), "what is in the log is not sent again");
      if (at < 7) server.ack(send);
      else if (at < 12) server.storeSent(send); // stored, not acked
    }
    await server.channel.flush();
    server.cut();
    const { after = 0 } = await server.acceptAgain();
    server.deliver(...server.log.slice(after));
  }
  for (const send of await server.receiveSends(count - server.log.length)) server.ack(send);
  const acks = await Promise.all(sending);
  assert.deepEqual(acks.map(({ id }) => id), acks.map((_, at) => `${at}`));
  assert.equal(new Set(acks.map(({ seq }) => seq)).size, count);
  assert.equal(server.log.length, count);
  const events = await server.events();
  assert.equal(events.filter(({ type }) => type === "ack").length, count);
  assert.deepEqual(
    new Set(brief(events).map((line) => line.split(" ")[0])),
    new Set(["ack", "reconnecting", "reconnected"]),
  );
});

Deno.test("a message in the wrong state after an outage is the end", async () => {
  await using server = await PuppetServer.start();
  server.cut();
  await server.acceptAgain();
  server.say({ type: "registered" });
  assert.equal((await nextEvent(server.client, "closed")).reason, "message-unexpected");
});
