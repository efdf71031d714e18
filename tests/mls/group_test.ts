/**
 * Groups: who is in derives the key, who is not does not; and every way of going on works.
 *
 * @module
 */

import assert from "node:assert/strict";
import { foldName } from "../../lib/folded_name.ts";
import { Group } from "../../lib/mls/group.ts";
import {
  assertFails,
  commit,
  device,
  devices,
  hex,
  join,
  keyOf,
  policyOf,
  room,
} from "./people.ts";

const [alice, bob, carol, dave] = await devices("alice", "Bob", "carol", "dave");

async function keysOf(groups: readonly Group[]): Promise<Set<string>> {
  return new Set(await Promise.all(groups.map(keyOf)));
}

Deno.test("all members derive the same key of an epoch, and each epoch has another one", async () => {
  const groups = await room(alice, bob, carol);
  const seen = new Set<string>();
  for (const by of [0, 1, 2, 0]) {
    const keys = await keysOf(groups);
    assert.equal(keys.size, 1);
    seen.add([...keys].join());
    await commit(groups, by, {});
  }
  assert.equal(seen.size, 4);
});

Deno.test("a group tells its room, its members and this device", async () => {
  const groups = await room(alice, bob);
  for (const [at, group] of groups.entries()) {
    assert.deepEqual(group.policy, policyOf(alice));
    assert.deepEqual(group.members.map(({ user, device }) => [user, device]), [
      ["alice", 1],
      ["Bob", 1],
    ]);
    assert.equal(group.own, group.members[at]);
    assert.deepEqual([group.epoch, group.isActive], [1, true]);
    assert.deepEqual(group.groupId, groups[0]!.groupId);
  }
});

Deno.test("a commit tells what it changes, to who makes it and to who follows it", async () => {
  const [mine, theirs] = await room(alice, bob);
  const added = await mine.commit({ add: [carol.package] });
  const followed = await theirs.process(added.commit);
  assert.deepEqual(followed.change, added.change);
  assert.deepEqual(added.change, {
    ...{ by: mine.own, epoch: 2, added: [added.next.members[2]], removed: [] },
    ...{ hasPath: false, rekeyed: false },
  });
  const rekeyed = await followed.next.commit({});
  assert.deepEqual(rekeyed.change, {
    ...{ by: theirs.own, epoch: 3, added: [], removed: [], hasPath: true, rekeyed: true },
  });
  const back = await added.next.process(rekeyed.commit);
  const removed = await back.next.commit({ removeLeaves: [2] });
  assert.deepEqual(removed.change.removed, [added.next.members[2]]);
  assert.equal(removed.change.hasPath, true);
});

Deno.test("thirty devices are added by one commit", async () => {
  const others = await devices(...Array.from({ length: 30 }, (_, at) => `user${at}`));
  const groups = await room(alice, ...others);
  assert.equal((await keysOf(groups)).size, 1);
  assert.equal(groups[30]!.members.length, 31);
});

Deno.test("a removed member is told so, and goes no further", async () => {
  const groups = await room(alice, bob, carol);
  const old = Group.decode(groups[1]!.encode());
  await commit(groups, 0, { removeLeaves: [1] });
  const removed = groups[1] as Group;
  assert.equal(removed.isActive, false);
  assert.deepEqual(removed.own.user, "Bob");
  const { commit: next } = await commit(groups, 2, {});
  assert.equal((await keysOf([groups[0]!, groups[2]!])).size, 1);
  for (const one of [removed, Group.decode(removed.encode())]) {
    await assertFails("mls-removed", () => one.process(next));
    await assertFails("mls-removed", () => one.commit({}));
    await assertFails("mls-removed", () => one.epochKey());
  }
  await assertFails("mls-invalid", () => old.process(next)); // not even from its state before
});

Deno.test("who is removed notices it when another takes the place at once", async () => {
  const groups = await room(alice, bob, carol);
  const made = await commit(groups, 0, { removeLeaves: [1], add: [dave.package] });
  assert.equal(groups[1]!.isActive, false);
  const joined = await join(dave, made);
  assert.equal(joined.own.leaf, 1, "the place is the removed member's");
  assert.equal((await keysOf([groups[0]!, groups[2]!, joined])).size, 1);
});

Deno.test("of two commits that end the same epoch, the loser follows the winner's", async () => {
  const [mine, theirs] = await room(alice, bob);
  const winner = await mine.commit({ add: [carol.package] });
  for (const plan of [{}, { add: [dave.package] }]) {
    const loser = await theirs.commit(plan);
    const { next } = await theirs.process(winner.commit);
    assert.equal(await keyOf(next), await keyOf(winner.next));
    await assertFails("mls-invalid", () => next.process(loser.commit));
  }
});

Deno.test("a group survives being kept at every epoch", async () => {
  let groups: Group[] = await room(alice, bob, carol);
  const keep = (): void => {
    groups = groups.map((group) => {
      const kept = Group.decode(group.encode());
      assert.equal(hex(kept.encode()), hex(group.encode()));
      assert.deepEqual([kept.own, kept.members, kept.epoch], [
        ...[group.own, group.members, group.epoch],
      ]);
      return kept;
    });
  };
  const plans = [{}, { add: [dave.package] }, { removeLeaves: [3] }, { policy: policyOf(alice) }];
  for (const plan of plans) {
    keep();
    await commit(groups, 0, plan);
    assert.equal((await keysOf(groups)).size, 1);
  }
});

Deno.test("a commit leaves the group that made it as it was", async () => {
  const [mine] = await room(alice, bob);
  const before = hex(mine.encode());
  await mine.commit({});
  await mine.commit({ removeLeaves: [1] });
  assert.equal(hex(mine.encode()), before);
});

Deno.test("a device of an account is added by its sibling's state, which then follows itself", async () => {
  const groups = await room(alice, bob);
  const second = await device("alice", 2, alice.identity);
  const sibling = Group.decode(groups[0]!.encode());
  const made = await sibling.commit({ add: [second.package] });
  assert.equal(made.change.hasPath, false);
  const own = await groups[0]!.process(made.commit);
  assert.deepEqual(own.change.by, groups[0]!.own);
  const theirs = await groups[1]!.process(made.commit);
  const joined = await join(second, made);
  const all = [own.next, theirs.next, joined];
  assert.equal((await keysOf(all)).size, 1);
  for (const by of [2, 0, 1]) {
    await commit(all, by, {});
    assert.equal((await keysOf(all)).size, 1);
  }
});

Deno.test("an own commit with new keys cannot be followed by the state before it, which says so", async () => {
  const [mine] = await room(alice, bob);
  const { commit } = await mine.commit({});
  const { message } = await assertFails("mls-invalid", () => mine.process(commit));
  assert.match(message, /this device's own/);
});

Deno.test("who has asked to leave is removed by anybody, others only by admins", async () => {
  const groups = await room(alice, bob, carol);
  await assertFails("mls-refused", () => groups[1]!.commit({ removeLeaves: [2] }));
  const leaving = new Set([foldName("Carol")]);
  const { commit: removal } = await groups[1]!.commit({ removeLeaves: [2] }, leaving);
  await assertFails("mls-refused", () => groups[0]!.process(removal));
  await commit(groups, 1, { removeLeaves: [2] }, leaving);
  assert.deepEqual(groups.map(({ isActive }) => isActive), [true, true, false]);
});

Deno.test("an admin makes another one, who may then remove", async () => {
  const groups = await room(alice, bob, carol);
  await assertFails("mls-refused", () => groups[1]!.commit({ removeLeaves: [2] }));
  const policy = policyOf(alice, bob);
  const { change } = await commit(groups, 0, { policy });
  assert.deepEqual(change.policy, policy);
  for (const group of groups) assert.deepEqual(group.policy, policy);
  await commit(groups, 1, { removeLeaves: [2] });
  assert.equal((await keysOf(groups.slice(0, 2))).size, 1);
});

Deno.test("who is no admin any more removes nobody, and who has made it go on without its maker", async () => {
  const groups = await room(alice, bob, carol);
  await commit(groups, 0, { policy: policyOf(alice, bob) });
  await commit(groups, 1, { policy: policyOf(bob) });
  await assertFails("mls-refused", () => groups[0]!.commit({ removeLeaves: [2] }));
  await assertFails("mls-refused", () => groups[0]!.commit({ policy: policyOf(alice, bob) }));
  await commit(groups, 1, { removeLeaves: [0] });
  await commit(groups, 1, { policy: policyOf(bob, carol) });
  assert.deepEqual(groups[2]!.policy, policyOf(bob, carol));
  assert.equal((await keysOf(groups.slice(1))).size, 1);
});

Deno.test("a change of the rules has no path: the state before it follows an own one, too", async () => {
  const groups = await room(alice, bob);
  const made = await groups[0]!.commit({ policy: policyOf(alice, bob) });
  assert.equal(made.change.hasPath, false);
  const own = await groups[0]!.process(made.commit);
  const theirs = await groups[1]!.process(made.commit);
  assert.equal((await keysOf([own.next, theirs.next, made.next])).size, 1);
});

Deno.test("an account comes back with a new identity by the commit of a plain member", async () => {
  const groups = await room(alice, bob, carol);
  const reset = await device("carol");
  await assertFails("mls-refused", () => groups[1]!.commit({ add: [reset.package] }));
  const made = await commit(groups, 1, { removeLeaves: [2], add: [reset.package] });
  const all = [groups[0]!, groups[1]!, await join(reset, made)];
  assert.equal((await keysOf(all)).size, 1);
});

Deno.test("a direct room is for its two accounts", async () => {
  const policy = { ...policyOf(alice), kind: "direct", peers: ["alice", "bob"] } as const;
  await assertFails("mls-refused", () => Group.create(carol.keys, policy));
  const mine = await Group.create(alice.keys, policy);
  await assertFails("mls-refused", () => mine.commit({ add: [carol.package] }));
  const made = await mine.commit({ add: [bob.package] });
  assert.equal(await keyOf(await join(bob, made)), await keyOf(made.next));
});

Deno.test("a welcome tells who sent it, and which key package it used up", async () => {
  const [, theirs] = await room(alice, bob);
  const { welcome } = await theirs.commit({ add: [carol.package] });
  const other = (await device("carol", 2, carol.identity)).own;
  const { used, by } = await Group.join(carol.keys, welcome!, [other, carol.own]);
  assert.equal(used, carol.own);
  assert.deepEqual(by, theirs.own);
  await assertFails("mls-invalid", () => Group.join(carol.keys, welcome!, [other]));
  await assertFails("mls-invalid", () => Group.join(dave.keys, welcome!, [dave.own]));
  await assertFails("mls-invalid", () => Group.join(dave.keys, welcome!, [carol.own]));
});

Deno.test("a plan that nobody would accept is the caller's fault", async () => {
  const [mine] = await room(alice, bob);
  for (
    const plan of [
      ...[{ removeLeaves: [0] }, { removeLeaves: [7] }, { removeLeaves: [1, 1] }],
      ...[{ add: [bob.package] }, { add: [carol.package, carol.package] }],
      ...[{ policy: { ...policyOf(alice), room: "other" } }, { policy: policyOf() }],
      { policy: policyOf(alice), removeLeaves: [1] },
    ]
  ) {
    await assertFails("mls-refused", () => mine.commit(plan));
  }
});
