/**
 * One user on several devices: each is a member of its own, and needs nobody to become one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TestServer } from "../attacks/server.ts";
import { accounts, gather, Person, ROOM } from "./person.ts";

const NAMES = ["alice", "bob", "carol"] as const;

Deno.test("one user on three devices that come at once: all read, all speak", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob");
  await gather(people);
  const [alice, bob] = people.all;
  await using more = await Person.comeAll(server, "bob", "bob");
  const devices = [bob, ...more];
  for (const device of devices) await device.told("joined");
  await alice.say("to all of you");
  await Promise.all(devices.map((one) => one.hears("to all of you")));
  await Promise.all(devices.map((one, at) => one.say(`from device ${at}`)));
  for (const at of devices.keys()) await alice.hears(`from device ${at}`);
  assert.deepEqual(await alice.members(), { alice: 1, bob: 3 });
  for (const one of [alice, ...devices]) assert.deepEqual(one.errors, []);
});

Deno.test("three devices of a first login at once are one identity", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using devices = await Person.comeAll(server, "bob", "bob", "bob");
  await using alice = await Person.come(server, "alice");
  await gather([alice, ...devices]);
  await alice.say("to all of you");
  for (const device of devices) await device.hears("to all of you");
  assert.deepEqual(await alice.members(), { alice: 1, bob: 3 });
  for (const one of [alice, ...devices]) assert.deepEqual(one.errors, []);
});

Deno.test("a later login goes on as a device that is free: the group does not grow", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using alice = await Person.come(server, "alice");
  {
    await using devices = await Person.comeAll(server, "bob", "bob", "bob");
    await gather([alice, ...devices]);
  }
  const epoch = await alice.epoch();
  await using back = await Person.come(server, "bob");
  await back.say("I am back");
  await alice.hears("I am back");
  assert.deepEqual(await alice.members(), { alice: 1, bob: 3 });
  assert.equal(await alice.epoch(), epoch);
  assert.deepEqual(back.errors, []);
});

Deno.test("a new device comes in by what another one has saved, with no other member there", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  {
    await using people = await Person.comeAll(server, "alice", "bob");
    await gather(people);
    const [alice, bob] = people.all;
    await alice.say("before");
    await bob.hears("before");
  }
  await using first = await Person.come(server, "bob");
  await using second = await Person.come(server, "bob"); // the first one is there, but need not help
  await second.say("from the second");
  assert.deepEqual(await second.members(), { alice: 1, bob: 2 });
  await first.hears("from the second");
  assert.deepEqual(await second.recalls(), ["before"]);
  await using alice = await Person.come(server, "alice");
  await alice.hears("from the second");
  for (const one of [alice, first, second]) assert.deepEqual(one.errors, []);
});

Deno.test("a new device comes in while others change the room at the same time", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob", "carol");
  await gather(people);
  const [alice, bob, carol] = people.all;
  const changing = Promise.all(
    [alice, carol, alice, carol].map((one) => one.chat.sealed.rekey(ROOM)),
  );
  await using more = await Person.comeAll(server, "bob", "alice");
  await changing;
  const everyone = [alice, bob, carol, ...more];
  for (const one of everyone) await one.say(`${one.name} at ${everyone.indexOf(one)}`);
  await Promise.all(everyone.slice(0, -1).map((one) => one.hears("alice at 4")));
  for (const one of everyone) {
    assert.deepEqual(await one.members(), { alice: 2, bob: 2, carol: 1 });
    assert.deepEqual(one.errors, []);
  }
});

Deno.test("a new device that somebody adds while it adds itself is in once", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "bob");
  await gather(people);
  const [alice] = people.all;
  await using stack = new AsyncDisposableStack();
  for (let devices = 2; devices < 7; devices++) {
    const coming = Person.come(server, "bob");
    for (let tries = 0; tries < 4; tries++) {
      await alice.chat.sealed.invite(ROOM, ["bob"]).catch((error) => error);
    }
    const next = stack.use(await coming);
    await next.say(`device ${devices} speaks`);
    await alice.hears(`device ${devices} speaks`);
    assert.deepEqual(await alice.members(), { alice: 1, bob: devices });
    assert.deepEqual(next.errors, []);
  }
});

Deno.test("a removed account's devices are all shut out", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using alice = await Person.come(server, "alice");
  await using devices = await Person.comeAll(server, "bob", "bob", "bob");
  await gather([alice, ...devices]);
  await alice.chat.sealed.remove(ROOM, ["bob"]);
  for (const device of devices) assert.equal((await device.told("left")).reason, "removed");
  assert.deepEqual(await alice.members(), { alice: 1 });
  for (const one of [alice, ...devices]) assert.deepEqual(one.errors, []);
});

Deno.test("one who leaves on one device has left on all", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using alice = await Person.come(server, "alice");
  await using devices = await Person.comeAll(server, "bob", "bob");
  const [first] = devices.all;
  await gather([alice, ...devices]);
  const epoch = await alice.epoch();
  await first.chat.sealed.leave(ROOM);
  for (const device of devices) await device.told("left");
  await alice.reaches(epoch + 1);
  assert.deepEqual(await alice.members(), { alice: 1 });
  await alice.chat.sealed.invite(ROOM, ["bob"]);
  await alice.say("again");
  for (const device of devices) await device.hears("again");
  for (const one of [alice, ...devices]) assert.deepEqual(one.errors, []);
});
