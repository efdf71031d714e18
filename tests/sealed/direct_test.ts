/**
 * Direct messages: one sealed room for two people, whoever of them begins.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { Proxy } from "../attacks/proxy.ts";
import { assertFails, TestServer } from "../attacks/server.ts";
import { accounts, Person } from "./person.ts";

const NAMES = ["alice", "bob", "carol"] as const;

/** How many sealed rooms a server has. */
function countSealedRooms({ db }: TestServer): number {
  const database = new DatabaseSync(db, { readOnly: true });
  try {
    return database.prepare("SELECT count(*) AS n FROM sealed_rooms").get()?.n as number;
  } finally {
    database.close();
  }
}

Deno.test("direct messages go both ways, and both know with whom", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob");
  const [alice, bob] = people.all;
  const room = await alice.chat.sealed.direct("Bob");
  assert.match(room, /^dm-[0-9a-f]{16}$/);
  await alice.say("for you alone", room);
  const heard = await bob.hears("for you alone");
  assert.deepEqual([heard.room, heard.kind, heard.peer], [room, "sealed", "alice"]);
  assert.equal(await bob.chat.sealed.direct("alice"), room);
  await bob.say("and for you", room);
  assert.equal((await alice.hears("and for you")).peer, "bob");
  for (const one of people) assert.deepEqual(one.errors, []);
});

Deno.test("a direct message reaches somebody who is away", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await (await Person.come(server, "bob"))[Symbol.asyncDispose]();
  {
    await using alice = await Person.come(server, "alice");
    const room = await alice.chat.sealed.direct("bob");
    await alice.say("read it when you are here", room);
  }
  await using bob = await Person.come(server, "bob");
  const { room } = await bob.hears("read it when you are here");
  await bob.say("I have", room);
  await using alice = await Person.come(server, "alice");
  await alice.hears("I have");
  for (const one of [alice, bob]) assert.deepEqual(one.errors, []);
});

Deno.test("both who begin at once are in one room", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  for (const [first, second] of [["alice", "bob"], ["carol", "bob"], ["alice", "carol"]]) {
    await using people = await Person.comeAll(server, first as string, second as string);
    const [one, other] = people.all;
    const rooms = await Promise.all([
      one.chat.sealed.direct(other.name),
      other.chat.sealed.direct(one.name),
    ]);
    assert.equal(rooms[0], rooms[1]);
    await one.say("here", rooms[0]);
    await other.say("there", rooms[1]);
    await one.hears("there");
    await other.hears("here");
    for (const person of people) assert.deepEqual(person.errors, []);
  }
});

Deno.test("all devices of both are in their direct room", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "alice", "bob", "bob");
  const [alice, other] = people.all;
  const room = await alice.chat.sealed.direct("bob");
  for (const one of people) await one.told("joined", room);
  await other.say("from the other one", room);
  for (const one of [...people].filter((one) => one !== other)) {
    await one.hears("from the other one");
  }
  assert.deepEqual(await alice.members(room), { alice: 2, bob: 2 });
  for (const one of people) assert.deepEqual(one.errors, []);
});

Deno.test("nobody else comes into a direct room, and nobody has one with oneself or with nobody", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, ...NAMES);
  const [alice, bob, carol] = people.all;
  const room = await alice.chat.sealed.direct("bob");
  await bob.told("joined", room);
  const inviting = alice.chat.sealed.invite(room, ["carol"]);
  const { code } = await inviting.then(() => assert.fail("carol is in"), (error) => error);
  assert.ok(["mls-refused", "direct-room"].includes(code), code);
  await assertFails(carol.chat.join(room), EnvironmentError, "room-unknown");
  await assertFails(alice.chat.sealed.direct("ALICE"), CallerError, "target-self");
  await assertFails(alice.chat.sealed.direct("nobody"), EnvironmentError, "name-unknown");
});

Deno.test("a direct room whose maker died before letting the other one in is made whole", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using bob = await Person.come(server, "bob");
  const proxy = new Proxy(server.port);
  const alice = await Person.come(server, "alice", { port: proxy.port });
  const made = Promise.withResolvers<void>();
  proxy.hooks.toServer = (frame) => {
    if (countSealedRooms(server) === 0) return [frame];
    made.resolve(); // what comes behind the answer to that
    return [];
  };
  const making = alice.chat.sealed.direct("bob").catch(() => {});
  await made.promise;
  await alice.kill();
  await making;
  await proxy[Symbol.asyncDispose]();
  await assertFails(bob.chat.sealed.direct("alice"), EnvironmentError, "room-taken");
  await using again = await Person.come(server, "alice");
  const room = await again.chat.sealed.direct("bob");
  await again.say("here I am", room);
  await bob.hears("here I am");
  assert.equal(await bob.chat.sealed.direct("alice"), room);
  for (const one of [bob, again]) assert.deepEqual(one.errors, []);
});

Deno.test("who has left a direct room is written to in a new one", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob");
  const [alice, bob] = people.all;
  const before = await alice.chat.sealed.direct("bob");
  await bob.told("joined", before);
  await bob.chat.sealed.leave(before);
  await bob.told("left", before);
  const room = await bob.chat.sealed.direct("alice");
  await bob.say("here again", room);
  await alice.hears("here again");
  await alice.say("welcome", room);
  await bob.hears("welcome");
  assert.equal(await alice.chat.sealed.direct("bob"), room);
  for (const one of people) assert.deepEqual(one.errors, []);
});
