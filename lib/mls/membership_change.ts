/**
 * What a commit changed, for those who show it to people.
 *
 * @module
 */

import { sameBytes } from "../same_bytes.ts";
import type { Effect, Member } from "./commit_rules.ts";
import type { RoomPolicy } from "./room_policy.ts";

/** What a commit changed. */
export interface MembershipChange {
  /** Who made it. */
  readonly by: Member;
  /** The epoch that it begins. */
  readonly epoch: number;
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
  /** The new rules, if it changed them. */
  readonly policy?: RoomPolicy;
  /** Whether it brings new keys for the committer: who stole the old ones is out. */
  readonly hasPath: boolean;
  /** Whether that is all that it does. */
  readonly rekeyed: boolean;
}

/**
 * What a commit changed.
 *
 * @param epoch the one that it begins.
 * @param after the members then; none for who is not there any more.
 */
export function changeBy(
  by: Member,
  epoch: number,
  { added, removed, policy }: Effect,
  hasPath: boolean,
  after: readonly Member[],
): MembershipChange {
  const rekeyed = added.length + removed.length === 0 && policy === undefined;
  const placed = after.filter((member) =>
    added.some(({ signatureKey }) => sameBytes(signatureKey, member.signatureKey))
  );
  const change = { by, epoch, added: placed, removed, hasPath, rekeyed };
  return policy === undefined ? change : { ...change, policy };
}
