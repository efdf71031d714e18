/**
 * Who can read what in a sealed room, whoever comes and goes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError } from "../../lib/errors.ts";
import type { KeyRing } from "../../lib/fernet.ts";
import { assertFails, TestServer } from "../attacks/server.ts";
import { accounts, gather, Person, ROOM } from "./person.ts";

const NAMES = ["alice", "bob", "carol", "dave", "eve"] as const;

/** The places of a room's log that somebody with these keys can read. */
function readable(server: TestServer, ring: KeyRing): number[] {
  return server.entries(ROOM).filter(({ token }) => opens(ring, token)).map(({ seq }) => seq);
}

function opens(ring: KeyRing, token: string): boolean {
  try {
    ring.decryptText(token);
    return true;
  } catch {
    return false;
  }
}

Deno.test("everyone can message everyone", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, ...NAMES);
  await gather(people);
  await Promise.all([...people].map((one) => one.say(`${one.name} speaks`)));
  for (const one of people) {
    const others = NAMES.filter((name) => name !== one.name);
    await Promise.all(others.map((name) => one.hears(`${name} speaks`)));
    assert.deepEqual(one.heard().toSorted(), others.map((name) => `${name} speaks`));
    assert.deepEqual(one.errors, []);
  }
});

Deno.test("a removed member reads nothing after: not with all keys that it ever had", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = people.all;
  await gather([alice, bob, carol]);
  await alice.say("for three");
  await carol.hears("for three");
  const ring = carol.chat.sealed.exportKeys(ROOM);
  await alice.chat.sealed.remove(ROOM, ["carol"]);
  const left = await carol.told("left");
  assert.deepEqual([left.reason, left.message], ["removed", "alice removed you"]);
  const { by, removed } = await carol.learns("alice removed carol");
  assert.deepEqual([by, removed], ["alice", ["carol"]]); // by the commit, not the server's word
  await alice.say("for two");
  await bob.hears("for two");
  assert.deepEqual(readable(server, ring), [2, 3]); // the last is the commit that removed her
  assert.deepEqual(carol.heard(), ["for three"]);
  await assertFails(carol.say("am I there?"), CallerError, "room-unknown");
  assert.deepEqual(carol.errors, []);
  assert.deepEqual(await bob.members(), { alice: 1, bob: 1 });
});

Deno.test("who was removed while away does not find the room any more", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using alice = await Person.come(server, "alice");
  {
    await using bob = await Person.come(server, "bob");
    await gather([alice, bob]);
  }
  await alice.chat.sealed.remove(ROOM, ["bob"]);
  await alice.say("without bob");
  await using bob = await Person.come(server, "bob");
  assert.deepEqual(bob.chat.rooms.map(({ room }) => room), ["lobby"]);
  assert.deepEqual(bob.errors, []);
});

Deno.test("a new member reads nothing before: its history ends where it came", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = people.all;
  await gather([alice, bob]);
  await alice.say("for two");
  await alice.chat.sealed.invite(ROOM, ["carol"]);
  await carol.told("joined");
  await alice.say("for three");
  await carol.hears("for three");
  assert.deepEqual(carol.heard(), ["for three"]);
  assert.deepEqual(await carol.recalls(), []);
  const seen = readable(server, carol.chat.sealed.exportKeys(ROOM));
  assert.deepEqual(seen, [4]); // 1 and 3 are commits
  assert.deepEqual(readable(server, bob.chat.sealed.exportKeys(ROOM)), [2, 3, 4]);
  assert.deepEqual(carol.errors, []);
});

Deno.test("who is invited again reads on from there, and nothing in between", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob");
  const [alice, bob] = people.all;
  await gather([alice, bob]);
  await alice.say("before");
  await bob.hears("before");
  await alice.chat.sealed.remove(ROOM, ["bob"]);
  await bob.told("left");
  await alice.say("between");
  await alice.chat.sealed.invite(ROOM, ["bob"]);
  await bob.told("joined", ROOM, bob.events.findIndex(({ type }) => type === "left"));
  await alice.say("after");
  await bob.hears("after");
  const anew = await bob.sees((event) => event.type === "notice" && event.code === "room-anew");
  assert.match(
    String("message" in anew && anew.message),
    /^By alice's word physics begins anew/,
  );
  await bob.say("here again");
  await alice.hears("here again");
  assert.deepEqual(bob.heard(), ["before", "after"]);
  assert.deepEqual(await bob.recalls(), []);
  assert.deepEqual(bob.errors, []);
  assert.deepEqual(alice.errors, []);
});

Deno.test("who leaves is shut out by one commit of one of the others", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, ...NAMES);
  const [alice, bob, ...others] = people.all;
  await gather([alice, bob, ...others]);
  const ring = bob.chat.sealed.exportKeys(ROOM);
  const epoch = await alice.epoch();
  await bob.chat.sealed.leave(ROOM);
  assert.equal((await bob.told("left")).reason, "left");
  const remaining = [alice, ...others];
  await Promise.all(remaining.map((one) => one.reaches(epoch + 1)));
  await others[0]?.say("without bob");
  await Promise.all([alice, ...others.slice(1)].map((one) => one.hears("without bob")));
  for (const one of remaining) {
    assert.equal(await one.epoch(), epoch + 1);
    assert.deepEqual(await one.members(), { alice: 1, carol: 1, dave: 1, eve: 1 });
    assert.deepEqual(one.errors, []);
  }
  assert.deepEqual(readable(server, ring), [2, 3]); // that he leaves, and the commit
  assert.deepEqual(bob.heard(), []);
});

Deno.test("several are removed by one commit", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, ...NAMES);
  const [alice, bob, carol, dave, eve] = people.all;
  await gather([alice, bob, carol, dave, eve]);
  const epoch = await alice.epoch();
  await alice.chat.sealed.remove(ROOM, ["bob", "Dave", "eve"]);
  await Promise.all([bob, dave, eve].map((one) => one.told("left")));
  await carol.learns("alice removed bob, dave and eve");
  assert.deepEqual(await carol.members(), { alice: 1, carol: 1 });
  assert.equal(await carol.epoch(), epoch + 1);
  await carol.say("for two");
  await alice.hears("for two");
});

Deno.test("only an admin removes others, and nobody oneself", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  const [alice, bob, carol] = people.all;
  await gather([alice, bob, carol]);
  await assertFails(bob.chat.sealed.remove(ROOM, ["carol"]), CallerError, "not-admin");
  await assertFails(alice.chat.sealed.remove(ROOM, ["alice"]), CallerError, "target-self");
  await assertFails(alice.chat.sealed.remove(ROOM, ["dave"]), CallerError, "not-in-room");
  await assertFails(bob.chat.sealed.invite(ROOM, ["carol"]), CallerError, "member-already");
  assert.deepEqual(await carol.members(), { alice: 1, bob: 1, carol: 1 });
});

Deno.test("thirty members who come at once all read and speak", async () => {
  const names = Array.from({ length: 30 }, (_, at) => `member${at}`);
  await using server = await TestServer.start(accounts("alice", ...names));
  await using alice = await Person.come(server, "alice");
  await alice.chat.sealed.create(ROOM);
  await using people = await Person.comeAll(server, ...names);
  await alice.chat.sealed.invite(ROOM, names);
  const crowd = [...people];
  await Promise.all(crowd.map((one) => one.told("joined")));
  await Promise.all(crowd.map((one) => one.say(`I am ${one.name}`)));
  await alice.say("that is all");
  for (const one of crowd) {
    await one.hears("that is all");
    assert.equal(one.heard().length, 30);
    assert.deepEqual(one.errors, []);
  }
  assert.equal(Object.keys(await alice.members()).length, 31);
});
