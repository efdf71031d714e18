/**
 * Changes of a sealed room's members and keys: at once, while others speak, and behind one's back.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestServer } from "../attacks/server.ts";
import { accounts, gather, Person, ROOM } from "./person.ts";

const NAMES = ["alice", "bob", "carol", "dave"] as const;

/** Commits that are more than a client leaves unsaved. */
const MANY = 20;

Deno.test("of two commits at once one wins, and both changes are there in the end", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, ...NAMES);
  const [alice, bob, carol, dave] = people.all;
  await gather([alice, bob]);
  await Promise.all([
    alice.chat.sealed.invite(ROOM, ["carol"]),
    bob.chat.sealed.invite(ROOM, ["dave"]),
  ]);
  await Promise.all([carol, dave].map((one) => one.told("joined")));
  await Promise.all([...people].map((one) => one.say(`here is ${one.name}`)));
  for (const one of people) {
    for (const { name } of people) if (name !== one.name) await one.hears(`here is ${name}`);
    assert.deepEqual(await one.members(), { alice: 1, bob: 1, carol: 1, dave: 1 });
    assert.equal(await one.epoch(), 3);
    assert.deepEqual(one.errors, []);
  }
});

Deno.test("two who invite the same one at once add it once", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = people.all;
  await gather([alice, bob]);
  await Promise.all([alice, bob].map((one) => one.chat.sealed.invite(ROOM, ["carol"])));
  await carol.told("joined");
  await carol.say("here I am");
  await Promise.all([alice, bob].map((one) => one.hears("here I am")));
  assert.equal(await carol.epoch(), 2);
  for (const one of people) assert.deepEqual(one.errors, []);
});

Deno.test("an offline member catches up over many commits, and reads all that was said", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "carol");
  const [alice, carol] = people.all;
  {
    await using bob = await Person.come(server, "bob");
    await gather([alice, bob, carol]);
  }
  for (let round = 0; round < MANY; round++) {
    await (round % 2 === 0 ? alice : carol).chat.sealed.rekey(ROOM);
    await alice.say(`round ${round}`);
  }
  await using bob = await Person.come(server, "bob");
  await bob.hears(`round ${MANY - 1}`);
  assert.deepEqual(bob.heard(), Array.from({ length: MANY }, (_, round) => `round ${round}`));
  await bob.say("I have read it all");
  await carol.hears("I have read it all");
  assert.equal(await bob.epoch(), MANY + 1);
  assert.deepEqual(bob.errors, []);
});

Deno.test("one who was added while away catches up from there", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await (await Person.come(server, "bob"))[Symbol.asyncDispose]();
  await using alice = await Person.come(server, "alice");
  await alice.chat.sealed.create(ROOM);
  await alice.say("not for bob");
  await alice.chat.sealed.invite(ROOM, ["bob"]);
  for (let round = 0; round < MANY; round++) {
    await alice.chat.sealed.rekey(ROOM);
    await alice.say(`round ${round}`);
  }
  await using bob = await Person.come(server, "bob");
  await bob.hears(`round ${MANY - 1}`);
  assert.deepEqual(bob.heard(), Array.from({ length: MANY }, (_, round) => `round ${round}`));
  await bob.say("here I am");
  await alice.hears("here I am");
  assert.deepEqual(bob.errors, []);
});

Deno.test("one who is added to many rooms at once comes into each, there or away", async () => {
  const rooms = ["one", "two", "three", "four", "five", "six", "seven"];
  await using server = await TestServer.start(accounts(...NAMES));
  await (await Person.come(server, "bob"))[Symbol.asyncDispose]();
  await using people = await Person.comeAll(server, "alice", "carol");
  const [alice, carol] = people.all;
  for (const room of rooms) await alice.chat.sealed.create(room);
  await Promise.all(rooms.map((room) => alice.chat.sealed.invite(room, ["bob", "carol"])));
  await using bob = await Person.come(server, "bob");
  for (const one of [bob, carol]) {
    for (const room of rooms) await one.told("joined", room);
    for (const room of rooms) await one.say(`${one.name} in ${room}`, room);
    for (const room of rooms) await alice.hears(`${one.name} in ${room}`);
    assert.deepEqual(one.errors, []);
  }
});

Deno.test("a state from many commits ago catches up: a client that never saved", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using alice = await Person.come(server, "alice");
  const bob = await Person.come(server, "bob");
  await gather([alice, bob]);
  for (let round = 1; round <= MANY / 2; round++) {
    await alice.chat.sealed.rekey(ROOM);
    await bob.reaches(round + 1);
  }
  await bob.say("before the end");
  await bob.kill();
  for (let round = 0; round < MANY; round++) await alice.chat.sealed.rekey(ROOM);
  await using again = await Person.come(server, "bob");
  await again.say("after it");
  await alice.hears("after it");
  assert.equal(await again.epoch(), 1 + MANY / 2 + MANY);
  assert.deepEqual(again.errors, []);
});

Deno.test("what is said while keys change arrives, once, in one order for everyone", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, ...NAMES);
  await gather(people);
  const everyone = [...people];
  const texts = Array.from({ length: 100 }, (_, at) => `message ${at}`);
  const saying = texts.map((text, at) => everyone[at % 4]?.say(text));
  const changing = Array.from({ length: 10 }, (_, at) => everyone[at % 4]?.chat.sealed.rekey(ROOM));
  await Promise.all([...saying, ...changing]);
  await everyone[0]?.say("that is all");
  const orders = await Promise.all(
    everyone.slice(1).map(async (one) => {
      await one.hears("that is all");
      return placesOf(one);
    }),
  );
  const places = new Map(orders.flat());
  assert.deepEqual([...places.values()].toSorted(), [...texts, "that is all"].toSorted());
  for (const order of orders) {
    for (const [seq, text] of order) assert.equal(places.get(seq), text);
    const seqs = order.map(([seq]) => seq);
    assert.deepEqual(seqs, seqs.toSorted((one, other) => one - other));
  }
  for (const one of people) {
    assert.equal(one.heard().length, one.name === "alice" ? 75 : 76);
    assert.equal(await one.epoch(), 11);
    assert.deepEqual(one.errors, []);
  }
});

/** What somebody heard, with its place in the log. */
function placesOf({ events }: Person): [seq: number, text: string][] {
  return events
    .filter((event) => event.type === "message")
    .map(({ seq, text }) => [seq, text]);
}
