/**
 * Joining: into any group that honest members can come to, and into none that was made up.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { createGroup, type KeyPackage, type Node } from "ts-mls";
import { Group, type RoomPolicy } from "../../lib/mls/group.ts";
import { decodeKeyPackage, generate } from "../../lib/mls/key_package.ts";
import { type ClientState, policyExtension } from "../../lib/mls/state.ts";
import { CLIENT_CONFIG, loadSuite } from "../../lib/mls/suite.ts";
import { assertDamageRefused } from "./damage.ts";
import { adding, libraryWelcome, oddKeyPackage, stateOf, trusting, withLeaf } from "./insider.ts";
import {
  assertFails,
  commit,
  type Device,
  device,
  devices,
  join,
  keyOf,
  policyOf,
  room,
} from "./people.ts";

const [alice, bob, carol, mallory] = await devices("alice", "bob", "carol", "mallory");
const suite = await loadSuite();

async function assertTogether(groups: readonly Group[]): Promise<void> {
  const active = groups.filter(({ isActive }) => isActive);
  assert.equal(new Set(await Promise.all(active.map(keyOf))).size, 1);
}

// The library refuses this tree: node 3 lists leaf 3 as new, the root does not any more.
Deno.test("a device joins where a place was filled anew and others committed since", async () => {
  const groups = await room(...await devices(..."abcdefgh"));
  await commit(groups, 0, { removeLeaves: [3] });
  const again = await commit(groups, 0, { add: [bob.package] });
  groups[3] = await join(bob, again);
  await commit(groups, 4, {});
  const made = await commit(groups, 4, { add: [carol.package] });
  groups.push(await join(carol, made));
  await assertTogether(groups);
  await commit(groups, 8, {});
  await assertTogether(groups);
});

/** One step of a group's life, as numbers that are taken modulo whatever there is. */
const step = fc.record({
  by: fc.nat(99),
  adds: fc.nat(2),
  removes: fc.array(fc.nat(99), { maxLength: 2 }),
});

/** The members of a group with all their views of it, as they come and go. */
class Life {
  readonly #policy: RoomPolicy;
  readonly #people: Device[];
  readonly groups = new Map<Device, Group>();

  constructor(people: Device[]) {
    this.#people = people;
    this.#policy = policyOf(...people);
  }

  async begin(): Promise<void> {
    const first = this.#people[0] as Device;
    this.groups.set(first, await Group.create(first.keys, this.#policy));
  }

  async go({ by, adds, removes }: { by: number; adds: number; removes: number[] }): Promise<void> {
    const inside = [...this.groups.keys()];
    const committer = inside[by % inside.length] as Device;
    const others = inside.filter((one) => one !== committer);
    const leaving = new Set(removes.flatMap((one) => others[one % others.length] ?? []));
    const coming = this.#people.filter((one) => !this.groups.has(one)).slice(0, adds);
    const made = await this.#of(committer).commit({
      add: coming.map((one) => one.package),
      removeLeaves: [...leaving].map((one) => this.#of(one).own.leaf),
    });
    for (const one of others) {
      const { next } = await this.#of(one).process(made.commit);
      assert.equal(next.isActive, !leaving.has(one));
      this.groups.set(one, Group.decode(next.encode()));
    }
    for (const one of leaving) this.groups.delete(one);
    this.groups.set(committer, made.next);
    for (const one of coming) this.groups.set(one, await join(one, made));
  }

  #of(one: Device): Group {
    return this.groups.get(one) as Group;
  }
}

// Some seconds: each run is a whole life of a group, and such lives found two faults of the library.
Deno.test("whatever members add, remove and renew, all come to the same key", async () => {
  const people = await devices(..."abcdefghi");
  const lives = fc.array(step, { minLength: 8, maxLength: 16 });
  await fc.assert(
    fc.asyncProperty(lives, async (steps) => {
      const life = new Life(people);
      await life.begin();
      for (const one of steps) {
        await life.go(one);
        await assertTogether([...life.groups.values()]);
      }
    }),
    { numRuns: 3 },
  );
});

/** A group of mallory's own, by a client that checks nothing. */
async function malloryGroup(policy: RoomPolicy | undefined): Promise<ClientState> {
  const { publicPackage, privatePackage } = await generate(mallory.keys);
  const extensions = policy === undefined ? [] : [policyExtension(policy)];
  const id = new Uint8Array(32);
  return trusting(
    await createGroup(id, publicPackage, privatePackage, extensions, suite, CLIENT_CONFIG),
  );
}

async function assertNoWay(code: string, state: ClientState, ...more: KeyPackage[]): Promise<void> {
  const all = [carol.own.public].map(decodeKeyPackage).concat(more);
  const welcome = await libraryWelcome(trusting(state), all.map(adding));
  await assertFails(code, () => Group.join(carol.keys, welcome, [carol.own]));
}

Deno.test("a welcome to a group without a policy, or with a wrong one, is refused", async () => {
  await assertNoWay("mls-invalid", await malloryGroup(undefined));
  await assertNoWay("mls-invalid", await malloryGroup({ ...policyOf(mallory), room: "No Room" }));
  const peers = ["mallory", "bob"] as const;
  const direct = { ...policyOf(mallory), kind: "direct", peers } as const;
  await assertNoWay("mls-refused", await malloryGroup(direct));
});

Deno.test("a welcome to a group with a member who is not who it seems is refused", async () => {
  const state = await malloryGroup(policyOf(mallory));
  const forged = await oddKeyPackage(bob, { credential: alice.keys.credential });
  await assertNoWay("mls-invalid", state, forged);
  const second = await device("CAROL", 2);
  await assertNoWay("mls-refused", state, (await generate(second.keys)).publicPackage);
  await assertNoWay("mls-invalid", withLeaf(state, 0, { signature: new Uint8Array(64) }));
});

/** A group of eight with a full path, as mallory, its fifth member, sees it. */
async function eight(): Promise<ClientState> {
  const [first, ...others] = await devices(..."abcdefg");
  const groups = await room(first as Device, ...others.slice(0, 3), mallory, ...others.slice(3));
  await commit(groups, 0, {});
  return stateOf(groups[4] as Group);
}

function withNode(state: ClientState, at: number, change: (node: Node) => Node): ClientState {
  const node = state.ratchetTree[at];
  assert.ok(node !== undefined);
  return { ...state, ratchetTree: state.ratchetTree.with(at, change(node)) };
}

function withParent(
  state: ClientState,
  at: number,
  change: { hpkePublicKey?: Uint8Array; unmergedLeaves?: number[]; parentHash?: Uint8Array },
): ClientState {
  return withNode(state, at, (node) => {
    assert.ok(node.nodeType === "parent");
    return { nodeType: "parent", parent: { ...node.parent, ...change } };
  });
}

Deno.test("a welcome whose tree has a node that nobody below it made is refused", async () => {
  const state = await eight();
  await assertNoWay("mls-invalid", withParent(state, 3, { hpkePublicKey: new Uint8Array(1216) }));
  await assertNoWay("mls-invalid", withParent(state, 3, { parentHash: new Uint8Array(64) }));
  const made = { hpkePublicKey: new Uint8Array(1216).fill(1), parentHash: new Uint8Array() };
  const node: Node = { nodeType: "parent", parent: { ...made, unmergedLeaves: [] } };
  await assertNoWay("mls-invalid", { ...state, ratchetTree: state.ratchetTree.with(9, node) });
});

Deno.test("a welcome whose tree lists its new members wrongly is refused", async () => {
  const state = await eight();
  for (const unmergedLeaves of [[1], [0], [6], [2, 1], [1, 1], [9]]) {
    await assertNoWay("mls-invalid", withParent(state, 3, { unmergedLeaves }));
  }
});

Deno.test("a welcome whose tree has a key twice is refused", async () => {
  const { hpkePublicKey } = decodeKeyPackage(carol.own.public).leafNode;
  const copied = await oddKeyPackage(bob, { encryptionKey: hpkePublicKey });
  await assertNoWay("mls-invalid", await malloryGroup(policyOf(mallory)), copied);
});

Deno.test("the same tree, left as it is, is joined", async () => {
  const keyPackage = decodeKeyPackage(carol.own.public);
  const welcome = await libraryWelcome(await eight(), [adding(keyPackage)]);
  const { group } = await Group.join(carol.keys, welcome, [carol.own]);
  assert.equal(group.members.length, 9);
});

Deno.test("a welcome with any bit flipped, cut or lengthened is refused", async () => {
  const [, theirs] = await room(alice, bob);
  const { welcome } = await theirs.commit({ add: [carol.package] });
  await assertDamageRefused(
    welcome as Uint8Array,
    (damaged) => Group.join(carol.keys, damaged, [carol.own]),
  );
});
