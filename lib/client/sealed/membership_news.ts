/**
 * What a verified commit did to a room's members, for people and for programs.
 *
 * @module
 */

import type { Group, Member, MembershipChange } from "../../mls/group.ts";
import type { MembersEvent } from "../events.ts";

/** Whose accounts came and went, rather than their devices. */
export interface AccountChange {
  added: string[];
  removed: string[];
}

/** Names in one sentence; the others are counted. */
const MAX_NAMED = 8;

/** The accounts that a change added to a group, and removed from it. */
export function accountChange(group: Group, { added, removed }: MembershipChange): AccountChange {
  const was = new Set(accountsOf(group.members));
  const is = new Set(accountsOf([...without(group.members, removed), ...added]));
  return {
    added: [...is].filter((user) => !was.has(user)),
    removed: [...was].filter((user) => !is.has(user)),
  };
}

/** The names of members' accounts, each once. */
export function accountsOf(members: readonly Pick<Member, "user">[]): string[] {
  return [...new Set(members.map(({ user }) => user))];
}

/** What an own commit has done, since it leads from one state to another. */
export function changeBetween(before: Group, next: Group): MembershipChange {
  const added = without(next.members, before.members);
  const removed = without(before.members, next.members);
  return {
    ...{ by: before.own, epoch: next.epoch, added, removed },
    ...{ hasPath: true, rekeyed: added.length + removed.length === 0 },
  };
}

function without(members: readonly Member[], others: readonly Member[]): Member[] {
  const keyOf = ({ signatureKey }: Member): string => signatureKey.join();
  const known = new Set(others.map(keyOf));
  return members.filter((member) => !known.has(keyOf(member)));
}

/** The event of a change. */
export function membersEvent(
  at: Pick<MembersEvent, "room" | "seq" | "epoch">,
  change: MembershipChange,
  accounts: AccountChange,
): MembersEvent {
  return {
    type: "members",
    ...{ room: at.room, kind: "sealed", seq: at.seq, epoch: at.epoch },
    by: change.by.user,
    ...accounts,
    message: describe(change, accounts),
  };
}

function describe(
  { by, added, removed, policy }: MembershipChange,
  accounts: AccountChange,
): string {
  const deeds = [
    ...(accounts.added.length > 0 ? [`added ${listNames(accounts.added)}`] : []),
    ...(accounts.removed.length > 0 ? [`removed ${listNames(accounts.removed)}`] : []),
    ...(policy === undefined ? [] : ["changed who may remove others"]),
  ];
  if (deeds.length > 0) return `${by.user} ${deeds.join(" and ")}`;
  const devices = accountsOf([...added, ...removed]);
  if (devices.length === 0) return `${by.user} renewed the room's keys`;
  const isOwn = removed.length === 0 && devices.every((user) => user === by.user);
  if (isOwn) return `${by.user} uses another device`;
  return `${by.user} changed the devices of ${listNames(devices)}`;
}

/** `alice, bob and carol`. */
export function listNames(names: readonly string[]): string {
  const named = names.slice(0, MAX_NAMED);
  const rest = names.length - named.length;
  const last = rest > 0 ? `${rest} more` : named.pop() ?? "";
  return named.length === 0 ? last : `${named.join(", ")} and ${last}`;
}
