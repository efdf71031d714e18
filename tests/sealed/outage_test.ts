/**
 * Sealed rooms over outages: nothing is lost, doubled, or sealed with a key that is over.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Proxy } from "../attacks/proxy.ts";
import { TestServer } from "../attacks/server.ts";
import { cutBehind, cutOff, ProxiedPair } from "./cut_off.ts";
import { accounts, gather, Person, ROOM } from "./person.ts";

const NAMES = ["alice", "bob", "carol"] as const;
const ON = { reconnectForMs: Infinity };

/** The version of a device's state of a room. */
function versionOf({ db }: TestServer, account: string, device: number): number {
  const database = new DatabaseSync(db, { readOnly: true });
  try {
    const sql = "SELECT version FROM blobs WHERE account = ? AND name = ?";
    return database.prepare(sql).get(account, `device/${device}/${ROOM}`)?.version as number;
  } finally {
    database.close();
  }
}

Deno.test("over a restart of the server rooms go on, and what is typed meanwhile arrives once", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using proxy = new Proxy(server.port);
  const port = proxy.port;
  await using alice = await Person.come(server, "alice", { port, ...ON });
  await using bob = await Person.come(server, "bob", { port, ...ON });
  await gather([alice, bob]);
  await alice.say("before");
  await server.stop();
  await cutOff(proxy, alice, bob);
  const saying = [1, 2, 3].flatMap((at) => [alice.say(`alice ${at}`), bob.say(`bob ${at}`)]);
  await server.restart();
  proxy.target = server.port;
  await Promise.all(saying);
  await alice.chat.sealed.rekey(ROOM);
  await bob.chat.sealed.rekey(ROOM);
  await bob.say("after");
  await alice.hears("after");
  assert.deepEqual(alice.heard(), ["bob 1", "bob 2", "bob 3", "after"]);
  assert.deepEqual(bob.heard(), ["before", "alice 1", "alice 2", "alice 3"]);
  assert.equal(server.entries(ROOM).length, 11);
  for (const one of [alice, bob]) assert.deepEqual(one.errors, []);
});

Deno.test("what is typed in an outage is sealed for who is a member when it arrives", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using proxy = new Proxy(server.port);
  await using alice = await Person.come(server, "alice");
  await using bob = await Person.come(server, "bob", { port: proxy.port, ...ON });
  await using carol = await Person.come(server, "carol");
  await gather([alice, bob, carol]);
  const ring = carol.chat.sealed.exportKeys(ROOM);
  await cutOff(proxy, bob);
  const saying = bob.say("not for carol");
  await alice.chat.sealed.rekey(ROOM);
  await alice.chat.sealed.remove(ROOM, ["carol"]);
  proxy.target = server.port;
  await saying;
  await alice.hears("not for carol");
  const { token, keyId } = server.entries(ROOM).at(-1) as { token: string; keyId: string };
  assert.equal(keyId, (await alice.chat.sealed.security(ROOM)).keyId);
  assert.throws(() => ring.decryptText(token));
  for (const one of [alice, bob, carol]) assert.deepEqual(one.errors, []);
});

Deno.test("a message whose ack was lost is not said twice, with a commit behind it", async () => {
  await using pair = await ProxiedPair.start("bob", ON);
  const { proxy, alice, bob } = pair;
  proxy.hooks.toClient = () => [];
  const saying = bob.say("once");
  await alice.hears("once");
  await alice.chat.sealed.rekey(ROOM);
  delete proxy.hooks.toClient;
  proxy.link.cut();
  await saying;
  await bob.say("and on");
  await alice.hears("and on");
  assert.deepEqual(alice.heard(), ["once", "and on"]);
  for (const one of [alice, bob]) assert.deepEqual(one.errors, []);
});

Deno.test("who is invited, and who removed, in one's outage is learnt behind it", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using proxy = new Proxy(server.port);
  await using alice = await Person.come(server, "alice");
  await using bob = await Person.come(server, "bob", { port: proxy.port, ...ON });
  await using carol = await Person.come(server, "carol", { port: proxy.port, ...ON });
  await gather([alice, bob]);
  await alice.chat.sealed.create("chemistry");
  await alice.chat.sealed.create("biology");
  await alice.chat.sealed.invite("chemistry", ["bob"]);
  await bob.told("joined", "chemistry");
  await cutOff(proxy, bob, carol);
  await alice.chat.sealed.remove("chemistry", ["bob"]);
  await alice.chat.sealed.invite(ROOM, ["carol"]);
  await alice.chat.sealed.invite("biology", ["bob"]);
  proxy.target = server.port;
  await carol.told("joined");
  await bob.told("joined", "biology");
  await bob.learns("alice added carol");
  assert.equal((await bob.told("left", "chemistry")).reason, "room-unknown");
  await carol.say("here I am");
  await bob.hears("here I am");
  for (const one of [alice, bob, carol]) assert.deepEqual(one.errors, []);
});

Deno.test("a session whose device another one took goes on as a new one, without a word", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using proxy = new Proxy(server.port);
  await using bob = await Person.come(server, "bob");
  const first = await Person.come(server, "alice", { port: proxy.port, ...ON });
  await gather([bob, first]);
  await cutOff(proxy, first);
  await using second = await Person.come(server, "alice");
  for (let round = 0; round < 3; round++) {
    await second.chat.sealed.rekey(ROOM);
    await bob.chat.sealed.rekey(ROOM);
  }
  await bob.say("for both");
  await second.hears("for both");
  const waiting = first.say("typed during the outage");
  proxy.target = server.port;
  await first.hears("for both");
  await waiting;
  for (const one of [bob, second]) await one.hears("typed during the outage");
  await first.learns("alice uses another device");
  const version = versionOf(server, "alice", 1);
  await first.chat.sealed.rekey(ROOM);
  await second.chat.sealed.rekey(ROOM);
  await bob.say("and read");
  for (const one of [first, second]) await one.hears("and read");
  assert.equal(versionOf(server, "alice", 1), version + 1); // the second one's alone
  assert.deepEqual(await bob.members(), { alice: 2, bob: 1 });
  await first[Symbol.asyncDispose]();
  assert.equal(versionOf(server, "alice", 1), version + 1);
  for (const one of [first, bob, second]) assert.deepEqual(one.errors, []);
});

Deno.test("outage after outage, at whatever moment, everyone can speak and change the room", async () => {
  await using pair = await ProxiedPair.start("bob", ON);
  const { server, proxy, alice, bob } = pair;
  const saying: Promise<void>[] = [];
  for (let cut = 0; cut < 12; cut++) {
    // A connection has the frames of the login, and some answers; then it ends.
    const ended = cutBehind(proxy, cut + 3);
    const said = bob.say(`message ${cut}`);
    saying.push(said);
    const done = Promise.all([said, bob.chat.sealed.rekey(ROOM).catch(() => {})]);
    await Promise.race([ended, done]);
    proxy.link.cut();
  }
  delete proxy.hooks.toClient;
  saying.push(bob.say("online again"));
  await Promise.all(saying);
  await bob.settled();
  await bob.chat.sealed.rekey(ROOM);
  await alice.chat.sealed.rekey(ROOM);
  await alice.say("that is all");
  await bob.hears("that is all");
  assert.deepEqual(
    alice.heard().toSorted(),
    [...Array.from({ length: 12 }, (_, cut) => `message ${cut}`).toSorted(), "online again"],
  );
  assert.equal(await alice.epoch(), await bob.epoch());
  for (const one of [alice, bob]) assert.deepEqual(one.errors, []);
  await bob[Symbol.asyncDispose]();
  await using again = await Person.come(server, "bob");
  await again.say("and the next session");
  await alice.hears("and the next session");
  assert.deepEqual(again.errors, []);
});

// Takes seconds: seven more sessions, each with a device that is new to the room.
Deno.test("sessions take each other's devices outage after outage, cut at whatever moment: all go on", async () => {
  await using pair = await ProxiedPair.start("bob", ON);
  const { server, proxy, alice, bob } = pair;
  const saying: Promise<void>[] = [];
  await using stack = new AsyncDisposableStack();
  for (let round = 0; round < 6; round++) {
    await cutOff(proxy, bob);
    const thief = stack.use(await Person.come(server, "bob")); // has the device that is away
    await thief.chat.sealed.rekey(ROOM);
    saying.push(bob.say(`message ${round}`));
    // The connection on which it gets another device ends, too.
    const ended = cutBehind(proxy, round * 4 + 4);
    proxy.target = server.port;
    await Promise.race([ended, saying.at(-1)]);
    await thief.say(`thief ${round}`);
    delete proxy.hooks.toClient;
    await saying.at(-1);
    await thief.chat.sealed.rekey(ROOM);
    assert.deepEqual(thief.errors, []);
  }
  await bob.settled();
  await bob.chat.sealed.rekey(ROOM);
  await alice.say("that is all");
  await bob.hears("that is all");
  const [thieves, own] = [(at: number) => `thief ${at}`, (at: number) => `message ${at}`]
    .map((text) => Array.from({ length: 6 }, (_, at) => text(at))) as [string[], string[]];
  assert.deepEqual(alice.heard().toSorted(), [...own, ...thieves]);
  assert.deepEqual(await alice.members(), { alice: 1, bob: 7 });
  assert.deepEqual(bob.heard(), [...thieves, "that is all"]);
  for (const one of [alice, bob]) assert.deepEqual(one.errors, []);
});
