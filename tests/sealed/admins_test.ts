/**
 * Who rules over a sealed room: admins make admins, and what they may do ends with that, or when they
 * go. The room's rules and the server's books agree, whoever comes again.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openDatabase } from "../../lib/database.ts";
import { CallerError } from "../../lib/errors.ts";
import { CONSOLE, Operations } from "../../lib/server/operations.ts";
import { assertFails, TestServer } from "../attacks/server.ts";
import { accounts, gather, Person, ROOM } from "./person.ts";

const NAMES = ["alice", "bob", "carol", "dave"];

/** Alice's room, with bob and carol in it, and bob an admin, too. */
async function rule(people: Iterable<Person>): Promise<[Person, Person, Person]> {
  const [alice, bob, carol] = [...people] as [Person, Person, Person];
  await gather([alice, bob, carol]);
  assert.equal(await alice.chat.sealed.promote(ROOM, ["Bob"]), true);
  for (const one of [bob, carol]) await one.learns("alice made bob an admin");
  return [alice, bob, carol];
}

/** The admins of the room, as one's keys say. */
async function adminsFor({ chat }: Person): Promise<string[]> {
  const { members } = await chat.sealed.security(ROOM);
  return members.filter(({ isAdmin }) => isAdmin).map(({ user }) => user);
}

/** The same as the server's books say. */
function adminsInBooks(server: TestServer): string[] {
  using database = openDatabase(server.db);
  const sql = "SELECT account FROM sealed_members WHERE room = ? AND admin = 1 ORDER BY account";
  return database.prepare(sql).all(ROOM).map(({ account }) => String(account));
}

Deno.test("who is made an admin removes others, and is told as one to everyone by the commit", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = await rule(people);
  const { by, promoted, demoted, added, removed } = await carol.learns("alice made bob an admin");
  assert.deepEqual([by, promoted, demoted, added, removed], ["alice", ["bob"], [], [], []]);
  for (const one of [alice, bob, carol]) assert.deepEqual(await adminsFor(one), ["alice", "bob"]);
  assert.deepEqual(adminsInBooks(server), ["alice", "bob"]);
  await bob.chat.sealed.remove(ROOM, ["carol"]);
  assert.equal((await carol.told("left")).reason, "removed");
  await alice.learns("bob removed carol");
  await alice.say("for two");
  await bob.hears("for two");
  for (const one of [alice, bob, carol]) assert.deepEqual(one.errors, []);
});

Deno.test("who is no admin any more removes nobody, and makes no admins", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = await rule(people);
  assert.equal(await alice.chat.sealed.demote(ROOM, ["bob"]), true);
  assert.equal(await alice.chat.sealed.demote(ROOM, ["bob"]), false);
  const { promoted, demoted } = await carol.learns("alice took admin rights from bob");
  assert.deepEqual([promoted, demoted], [[], ["bob"]]);
  await bob.learns("alice took admin rights from bob");
  const { sealed } = bob.chat;
  for (
    const deed of [
      () => sealed.remove(ROOM, ["carol"]),
      () => sealed.promote(ROOM, ["bob"]),
      () => sealed.demote(ROOM, ["alice"]),
    ]
  ) {
    await assertFails(deed(), CallerError, "not-admin");
  }
  assert.deepEqual([await adminsFor(carol), adminsInBooks(server)], [["alice"], ["alice"]]);
});

Deno.test("who may be an admin: members alone, not too few of them, and nobody of a room for two", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [{ chat: { sealed } }, bob] = await rule(people);
  await assertFails(sealed.promote(ROOM, ["dave"]), CallerError, "not-in-room");
  await assertFails(sealed.demote(ROOM, ["dave"]), CallerError, "not-in-room");
  await assertFails(sealed.demote(ROOM, ["alice", "bob"]), CallerError, "last-admin");
  await assertFails(sealed.promote("lobby", ["bob"]), CallerError, "room-open");
  const direct = await sealed.direct("bob");
  await assertFails(sealed.promote(direct, ["bob"]), CallerError, "room-direct");
  await assertFails(sealed.demote(direct, ["alice"]), CallerError, "room-direct");
  assert.equal(await sealed.promote(ROOM, ["bob", "ALICE"]), false);
  assert.equal(await sealed.demote(ROOM, ["alice"]), true);
  await bob.learns("alice stopped being an admin");
  await assertFails(bob.chat.sealed.demote(ROOM, ["bob"]), CallerError, "last-admin");
  assert.deepEqual(adminsInBooks(server), ["bob"]);
});

Deno.test("the maker leaves, and who was made an admin goes on; who comes again is a plain member", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = await rule(people);
  await alice.chat.sealed.leave(ROOM);
  for (const one of [bob, carol]) await one.learns("alice stopped being an admin");
  await bob.sees((event) => event.type === "members" && event.removed.includes("alice"));
  await bob.chat.sealed.promote(ROOM, ["carol"]);
  await carol.learns("bob made carol an admin");
  assert.deepEqual(adminsInBooks(server), ["bob", "carol"]);
  const since = alice.events.length;
  await carol.chat.sealed.invite(ROOM, ["alice"]);
  await alice.told("joined", ROOM, since);
  assert.deepEqual(await adminsFor(alice), ["bob", "carol"]);
  await assertFails(alice.chat.sealed.remove(ROOM, ["bob"]), CallerError, "not-admin");
  await carol.chat.sealed.remove(ROOM, ["alice"]);
  await bob.learns("carol removed alice");
  for (const one of [bob, carol]) assert.deepEqual(one.errors, []);
});

Deno.test("an admin who is put out loses that first: let in again by a plain member, it is one, too", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = await rule(people);
  await alice.chat.sealed.remove(ROOM, ["bob"]);
  await carol.learns("alice took admin rights from bob");
  await carol.learns("alice removed bob");
  await bob.told("left");
  const since = bob.events.length;
  await carol.chat.sealed.invite(ROOM, ["bob"]);
  await bob.told("joined", ROOM, since);
  for (const one of [alice, bob, carol]) {
    await one.sees((event) => one === bob || event.type === "members" && event.by === "carol");
    assert.deepEqual(await adminsFor(one), ["alice"]);
  }
  assert.deepEqual(adminsInBooks(server), ["alice"]);
  await assertFails(bob.chat.sealed.remove(ROOM, ["carol"]), CallerError, "not-admin");
});

Deno.test("the only admin leaves: let in again, it is the admin, by the rules and the server's books", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = [...people] as [Person, Person, Person];
  await gather([alice, bob, carol]);
  await alice.chat.sealed.leave(ROOM);
  await bob.sees((event) => event.type === "members" && event.removed.includes("alice"));
  assert.deepEqual([await adminsFor(bob), adminsInBooks(server)], [[], []]);
  const since = alice.events.length;
  await bob.chat.sealed.invite(ROOM, ["alice"]);
  await alice.told("joined", ROOM, since);
  const { promoted } = await carol.learns("bob added alice; alice is an admin again");
  assert.deepEqual(promoted, ["alice"]);
  assert.deepEqual([await adminsFor(bob), adminsInBooks(server)], [["alice"], ["alice"]]);
  await alice.chat.sealed.remove(ROOM, ["carol"]);
  await bob.learns("alice removed carol");
});

Deno.test("an admin whose password was reset is somebody new, and no admin, until it is made one again", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "carol");
  const [alice, carol] = [...people] as [Person, Person];
  {
    await using bob = await Person.come(server, "bob");
    await rule([alice, bob, carol]);
  }
  await resetPassword(server, "bob");
  assert.deepEqual(adminsInBooks(server), ["alice"]);
  await using bob = await Person.come(server, "bob", { password: "another password 7" });
  await assertFails(alice.chat.sealed.invite(ROOM, ["bob"]), CallerError, "identity-changed");
  await alice.chat.sealed.identityOf("bob");
  await alice.chat.sealed.confirm("bob");
  await alice.chat.sealed.invite(ROOM, ["bob"]);
  await bob.told("joined");
  const { demoted } = await carol.learns(
    "alice changed the devices of bob; bob is no admin any more",
  );
  assert.deepEqual(demoted, ["bob"]);
  assert.deepEqual([await adminsFor(bob), adminsInBooks(server)], [["alice"], ["alice"]]);
  await carol.sees(({ type }) => type === "identity");
  await alice.chat.sealed.promote(ROOM, ["carol"]);
  await carol.learns("alice made carol an admin");
  const unknowing = carol.chat.sealed.promote(ROOM, ["bob"]); // carol has not compared
  await assertFails(unknowing, CallerError, "identity-changed");
  await alice.chat.sealed.promote(ROOM, ["bob"]);
  await bob.learns("alice made bob an admin");
  assert.deepEqual(adminsInBooks(server), ["alice", "bob", "carol"]);
});

Deno.test("who is left with admins of old keys alone leaves all the same, and is an admin when it is back", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "carol");
  const [alice, carol] = [...people] as [Person, Person];
  {
    await using bob = await Person.come(server, "bob");
    await rule([alice, bob, carol]);
  }
  await resetPassword(server, "bob");
  await alice.chat.sealed.leave(ROOM);
  await carol.sees((event) => event.type === "members" && event.removed.includes("alice"));
  const since = alice.events.length;
  await carol.chat.sealed.invite(ROOM, ["alice"]);
  await alice.told("joined", ROOM, since);
  assert.deepEqual(adminsInBooks(server), ["alice"]);
  await alice.chat.sealed.remove(ROOM, ["bob"]);
  await carol.learns("alice removed bob");
});

Deno.test("an admin's other sessions, and its next one, are an admin's, too", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using carol = await Person.come(server, "carol");
  {
    await using people = await Person.comeAll(server, "alice", "bob");
    await using other = await Person.come(server, "alice");
    const [alice, bob] = [...people] as [Person, Person];
    await gather([alice, bob, carol]);
    await other.told("joined");
    await other.chat.sealed.promote(ROOM, ["bob"]);
    await alice.learns("alice made bob an admin");
    await bob.learns("alice made bob an admin");
    for (const one of [alice, other, bob]) await one.kill();
  }
  await using people = await Person.comeAll(server, "alice", "bob");
  const [alice, bob] = [...people] as [Person, Person];
  await bob.learns("alice made bob an admin"); // was killed before it had saved that
  await bob.chat.sealed.demote(ROOM, ["alice"]);
  await alice.learns("bob took admin rights from alice");
  await carol.learns("bob took admin rights from alice");
  for (const one of [alice, bob, carol]) assert.deepEqual(one.errors, []);
});

Deno.test("two admins who change the admins at once: one after the other, and all see the same", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, ...NAMES);
  const [alice, bob, carol, dave] = [...people] as [Person, Person, Person, Person];
  await gather(people);
  await alice.chat.sealed.promote(ROOM, ["bob"]);
  await bob.learns("alice made bob an admin");
  await Promise.all([
    alice.chat.sealed.promote(ROOM, ["carol"]),
    bob.chat.sealed.promote(ROOM, ["dave"]),
  ]);
  await Promise.all([alice, bob, carol, dave].map((one) => one.reaches(4)));
  for (const one of people) assert.deepEqual(await adminsFor(one), NAMES);
  assert.deepEqual(adminsInBooks(server), NAMES);
});

/** An operator gives somebody another password. */
async function resetPassword(server: TestServer, name: string): Promise<void> {
  using database = openDatabase(server.db);
  const operations = await Operations.open(database, server.db);
  operations.setPassword(CONSOLE, name, "another password 7");
}
