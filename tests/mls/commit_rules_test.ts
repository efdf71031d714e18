/**
 * The rules of commits, one by one, as the pure function that they are.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkCommit, type Member, type Proposed } from "../../lib/mls/commit_rules.ts";
import type { RoomPolicy } from "../../lib/mls/room_policy.ts";
import { assertFails } from "./people.ts";

/** An identity key: which one is all that matters here. */
function key(of: number): Uint8Array {
  return new Uint8Array(32).fill(of);
}

let leaves = 0;
function member(user: string, device: number, identity: Uint8Array): Member {
  const leaf = leaves++;
  return { user, device, identity, signatureKey: key(100 + leaf), leaf };
}

const [ADMIN, BOB, CAROL, NEW] = [key(1), key(2), key(3), key(4)];
const admin = member("admin", 1, ADMIN);
const bob = member("Bob", 1, BOB);
const bob2 = member("Bob", 2, BOB);
const carol = member("carol", 1, CAROL);
const members = [admin, bob, bob2, carol];
const policy: RoomPolicy = { room: "ops", kind: "room", admins: [ADMIN] };

const add = (user: string, device: number, identity: Uint8Array): Proposed => ({
  kind: "add",
  device: { user, device, identity, signatureKey: key(200) },
});
const remove = ({ leaf }: Member): Proposed => ({ kind: "remove", leaf });
const change = (changed: Partial<RoomPolicy>): Proposed => ({
  kind: "policy",
  policy: { ...policy, ...changed },
});

interface Case {
  committer?: Member;
  proposals: Proposed[];
  leaving?: string[];
  policy?: RoomPolicy;
  members?: Member[];
}

const direct: Pick<Case, "policy" | "members"> = {
  policy: { room: "dm-1", kind: "direct", admins: [BOB], peers: ["bob", "carol"] },
  members: [bob, carol],
};

const ALLOWED: { readonly [property: string]: Case } = {
  "anybody may rekey": { proposals: [] },
  "anybody may add an account": { proposals: [add("dave", 1, NEW)] },
  "anybody may add a device of another account": { proposals: [add("carol", 2, CAROL)] },
  "own devices may go": { proposals: [remove(bob2)] },
  "an admin may remove anybody": { committer: admin, proposals: [remove(bob), remove(carol)] },
  "who has asked to leave may be removed by anybody": {
    proposals: [remove(carol)],
    leaving: ["carol"],
  },
  "an account with a new identity may be brought back by anybody": {
    committer: carol,
    proposals: [remove(bob), remove(bob2), add("bob", 1, NEW)],
  },
  "an admin may make another one": { committer: admin, proposals: [change({ admins: [BOB] })] },
  "an admin's key that no member has any more may go": {
    committer: admin,
    policy: { ...policy, admins: [NEW, ADMIN] },
    proposals: [change({ admins: [ADMIN, CAROL] })],
  },
  "a peer of a direct room may add a peer's device": {
    ...direct,
    proposals: [add("Carol", 2, CAROL)],
  },
};

const REFUSED: { readonly [property: string]: Case } = {
  "a member cannot remove others": { proposals: [remove(carol)] },
  "who has asked to leave may be removed, but nobody else": {
    proposals: [remove(admin)],
    leaving: ["carol"],
  },
  "a member cannot remove one device of an account and add another of it": {
    committer: carol,
    proposals: [remove(bob), add("bob", 1, BOB)],
  },
  "a member cannot make itself an admin": { proposals: [change({ admins: [ADMIN, BOB] })] },
  "a member cannot take an admin's rights": { proposals: [change({ admins: [CAROL] })] },
  "who was an admin cannot be one again by its own word": {
    committer: admin,
    policy: { ...policy, admins: [CAROL] },
    proposals: [change({ admins: [CAROL, ADMIN] })],
  },
  "nobody is an admin who is no member": {
    committer: admin,
    proposals: [change({ admins: [ADMIN, NEW] })],
  },
  "a key that was an admin's is not taken over with it": {
    committer: admin,
    policy: { ...policy, admins: [ADMIN, NEW] },
    proposals: [change({ admins: [ADMIN, NEW, BOB] })],
  },
  "a room has an admin who is a member": {
    committer: admin,
    proposals: [change({ admins: [NEW] })],
  },
  "a direct room's rules stay as they are": {
    ...direct,
    proposals: [{
      kind: "policy",
      policy: { ...direct.policy as RoomPolicy, admins: [BOB, CAROL] },
    }],
  },
  "an admin's change comes alone": {
    committer: admin,
    proposals: [change({ admins: [BOB] }), remove(carol)],
  },
  "two changes at once are none": {
    committer: admin,
    proposals: [change({ admins: [BOB] }), change({ admins: [CAROL] })],
  },
  "a room keeps its name": { committer: admin, proposals: [change({ room: "other" })] },
  "a room stays a room": {
    committer: admin,
    proposals: [change({ kind: "direct", peers: ["admin", "bob"] })],
  },
  "a direct room keeps its peers": {
    ...direct,
    proposals: [{
      kind: "policy",
      policy: { ...direct.policy as RoomPolicy, peers: ["bob", "mallory"] },
    }],
  },
  "a direct room takes nobody else": { ...direct, proposals: [add("dave", 1, NEW)] },
  "an account is not added under a second identity": { proposals: [add("CAROL", 2, NEW)] },
  "an account's old devices all go when it has a new identity": {
    committer: carol,
    proposals: [remove(bob), add("bob", 3, NEW)],
  },
  "not even an admin may leave two identities": {
    committer: admin,
    proposals: [remove(bob), add("bob", 3, NEW)],
  },
  "an account is not added under two identities at once": {
    proposals: [add("dave", 1, NEW), add("Dave", 2, key(5))],
  },
  "a device is there once": { proposals: [add("carol", 1, CAROL)] },
  "a device is not added twice": { proposals: [add("dave", 1, NEW), add("dave", 1, NEW)] },
  "a device is not removed twice": { committer: admin, proposals: [remove(bob), remove(bob)] },
  "nobody is removed who is not there": {
    committer: admin,
    proposals: [{ kind: "remove", leaf: 99 }],
  },
  "a device does not remove itself": { proposals: [remove(bob)] },
};

function run(one: Case): ReturnType<typeof checkCommit> {
  return checkCommit({
    members: one.members ?? members,
    policy: one.policy ?? policy,
    committer: one.committer ?? bob,
    proposals: one.proposals,
    leaving: new Set(one.leaving),
  });
}

for (const [property, one] of Object.entries(ALLOWED)) {
  Deno.test(`allowed: ${property}`, () => {
    const { added, removed } = run(one);
    const adds = one.proposals.filter(({ kind }) => kind === "add");
    assert.equal(added.length, adds.length);
    assert.deepEqual(removed.map(remove), one.proposals.filter(({ kind }) => kind === "remove"));
  });
}

for (const [property, one] of Object.entries(REFUSED)) {
  Deno.test(`refused: ${property}`, async () => {
    await assertFails("mls-refused", () => run(one));
  });
}
