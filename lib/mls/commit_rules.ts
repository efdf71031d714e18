/**
 * What a commit may do: the rules that every member's client checks, so that no server and no
 * single member decides who is in a room. A pure function.
 *
 * @module
 */

import { foldName, sameName } from "../folded_name.ts";
import { sameBytes } from "../same_bytes.ts";
import { refused } from "./faults.ts";
import { isAdmin, mayBeIn, type RoomPolicy, sameRoom } from "./room_policy.ts";
import type { LeafOwner } from "./suite.ts";

/** A device in a group: a leaf of its tree. */
export interface Member extends LeafOwner {
  /** The leaf's index (RFC 9420 section 4.1.2). */
  readonly leaf: number;
}

/** What a commit proposes, as far as we allow it (RFC 9420 section 12.1). */
export type Proposed =
  | { readonly kind: "add"; readonly device: LeafOwner }
  | { readonly kind: "remove"; readonly leaf: number }
  | { readonly kind: "policy"; readonly policy: RoomPolicy };

/** A commit and the group that it is for. */
export interface CommitFacts {
  readonly members: readonly Member[];
  readonly policy: RoomPolicy;
  readonly committer: Member;
  readonly proposals: readonly Proposed[];
  /** Folded names of accounts that have asked to leave. */
  readonly leaving: ReadonlySet<string>;
}

/** What a commit that keeps the rules does. */
export interface Effect {
  readonly added: readonly LeafOwner[];
  readonly removed: readonly Member[];
  readonly policy?: RoomPolicy;
}

/**
 * What a commit does, if it may.
 *
 * @throws {PeerError} `mls-refused` if it breaks a rule.
 */
export function checkCommit(facts: CommitFacts): Effect {
  const added = facts.proposals.flatMap((one) => one.kind === "add" ? [one.device] : []);
  const removed = removedBy(facts);
  checkRemovals(facts, added, removed);
  const staying = facts.members.filter((member) => !removed.includes(member));
  checkRoster(facts.policy, [...staying, ...added]);
  const policy = changedPolicy(facts);
  return policy === undefined ? { added, removed } : { added, removed, policy };
}

function removedBy({ members, committer, proposals }: CommitFacts): Member[] {
  const leaves = proposals.flatMap((one) => one.kind === "remove" ? [one.leaf] : []);
  if (new Set(leaves).size !== leaves.length) throw refused("A device would be removed twice");
  return leaves.map((leaf) => {
    const member = members.find((one) => one.leaf === leaf);
    if (member === undefined) throw refused("A device that is not there would be removed");
    if (leaf === committer.leaf) throw refused("A device cannot remove itself");
    return member;
  });
}

/**
 * Others' devices go by an admin's word or their own account's; or because the same commit brings
 * that account back with another identity, as after a reset of its password.
 */
function checkRemovals(
  { policy, committer, leaving }: CommitFacts,
  added: readonly LeafOwner[],
  removed: readonly Member[],
): void {
  if (isAdmin(policy, committer.identity)) return;
  for (const { user, identity } of removed) {
    const replaced = added.some((device) =>
      sameName(device.user, user) && !sameBytes(device.identity, identity)
    );
    if (!replaced && !sameName(user, committer.user) && !leaving.has(foldName(user))) {
      throw refused(`${committer.user} is no admin, and cannot remove ${user}`);
    }
  }
}

/**
 * Passes if these devices can be in a room together: one identity for each account, no device twice,
 * and in a direct room its two accounts only.
 *
 * @throws {PeerError} `mls-refused`.
 */
export function checkRoster(policy: RoomPolicy, devices: readonly LeafOwner[]): void {
  const identities = new Map<string, Uint8Array>();
  const seen = new Set<string>();
  for (const { user, device, identity } of devices) {
    const name = foldName(user);
    if (!mayBeIn(policy, user)) throw refused(`${user} cannot be in this direct room`);
    const known = identities.get(name);
    if (known !== undefined && !sameBytes(known, identity)) {
      throw refused(`${user} would be there with two identities`);
    }
    identities.set(name, identity);
    if (seen.has(`${name} ${device}`)) throw refused(`${user}'s device ${device} would be twice`);
    seen.add(`${name} ${device}`);
  }
}

/** Only who is a member can be an admin: no key waits in the rules for somebody to come with it. */
function changedPolicy(
  { members, policy, committer, proposals }: CommitFacts,
): RoomPolicy | undefined {
  const changed = proposals.find((one) => one.kind === "policy")?.policy;
  if (changed === undefined) return undefined;
  if (proposals.length > 1) throw refused("A room's rules can only be changed by themselves");
  if (!isAdmin(policy, committer.identity)) {
    throw refused(`${committer.user} is no admin, and cannot change the room's rules`);
  }
  if (!sameRoom(policy, changed)) throw refused("A room's name, kind and peers cannot be changed");
  if (policy.kind === "direct") throw refused("The rules of a direct room cannot be changed");
  const isMember = (admin: Uint8Array): boolean =>
    members.some(({ identity }) => sameBytes(identity, admin));
  if (!changed.admins.every(isMember)) throw refused("An admin would be no member");
  return changed;
}
