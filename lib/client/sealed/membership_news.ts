/**
 * What a verified commit did to a room's members, for people and for programs.
 *
 * @module
 */

import { sameBytes } from "../../same_bytes.ts";
import type { Group, Member, MembershipChange, RoomPolicy } from "../../mls/group.ts";
import type { MembersEvent } from "../events.ts";

/** Whose accounts came and went, rather than their devices. */
export interface AccountChange {
  added: string[];
  removed: string[];
  /** Members who became admins by it, and who are none any more. */
  promoted: string[];
  demoted: string[];
}

/** Names in one sentence; the others are counted. */
const MAX_NAMED = 8;

/** The accounts that a change added to a group, and removed from it, and whose rights it changed. */
export function accountChange(
  group: Group,
  { added, removed, policy = group.policy }: MembershipChange,
): AccountChange {
  const members = [...without(group.members, removed), ...added];
  const [was, is] = [new Set(accountsOf(group.members)), new Set(accountsOf(members))];
  const ruled = accountsOf(adminsAmong(group.members, group.policy));
  const rule = accountsOf(adminsAmong(members, policy));
  return {
    added: [...is].filter((user) => !was.has(user)),
    removed: [...was].filter((user) => !is.has(user)),
    promoted: rule.filter((user) => !ruled.includes(user)),
    demoted: ruled.filter((user) => !rule.includes(user) && is.has(user)),
  };
}

/** What the server is told of accounts that are members already. */
export function wishesOf(
  group: Group,
  change: MembershipChange,
): { removes: string[]; promotes?: string[]; demotes?: string[] } {
  const { removed: removes, promoted: promotes, demoted: demotes } = accountChange(group, change);
  return change.policy === undefined ? { removes } : { removes, promotes, demotes };
}

/** Those of some members whom a room's rules name as admins. */
export function adminsAmong(members: readonly Member[], { admins }: RoomPolicy): Member[] {
  return members.filter(({ identity }) => admins.some((admin) => sameBytes(admin, identity)));
}

/** The names of members' accounts, each once. */
export function accountsOf(members: readonly Pick<Member, "user">[]): string[] {
  return [...new Set(members.map(({ user }) => user))];
}

/** What an own commit has done, since it leads from one state to another. */
export function changeBetween(before: Group, next: Group): MembershipChange {
  const added = without(next.members, before.members);
  const removed = without(before.members, next.members);
  const { policy } = next;
  const isSame = policy.admins.length === before.policy.admins.length &&
    policy.admins.every((admin, at) => sameBytes(admin, before.policy.admins[at] as Uint8Array));
  return {
    ...{ by: before.own, epoch: next.epoch, added, removed, ...(isSame ? {} : { policy }) },
    ...{ hasPath: true, rekeyed: isSame && added.length + removed.length === 0 },
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

function describe(change: MembershipChange, accounts: AccountChange): string {
  const said = describeDeeds(change, accounts);
  if (change.policy !== undefined) return said;
  // The rules are what they were: who came has a key that they name, or one that they do not.
  return [
    said,
    ...accounts.promoted.map((user) => `${user} is an admin again`),
    ...accounts.demoted.map((user) => `${user} is no admin any more`),
  ].join("; ");
}

function describeDeeds(
  { by, added, removed, policy }: MembershipChange,
  accounts: AccountChange,
): string {
  const deeds = [
    ...(accounts.added.length > 0 ? [`added ${listNames(accounts.added)}`] : []),
    ...(accounts.removed.length > 0 ? [`removed ${listNames(accounts.removed)}`] : []),
    ...(policy === undefined ? [] : appointments(by, accounts)),
  ];
  if (deeds.length > 0) return `${by.user} ${deeds.join(" and ")}`;
  const devices = accountsOf([...added, ...removed]);
  if (devices.length === 0) return `${by.user} renewed the room's keys`;
  const isOwn = removed.length === 0 && devices.every((user) => user === by.user);
  if (isOwn) return `${by.user} uses another device`;
  return `${by.user} changed the devices of ${listNames(devices)}`;
}

function appointments({ user }: Member, { promoted, demoted }: AccountChange): string[] {
  if (promoted.length + demoted.length === 0) return ["changed who may remove others"];
  const isOwn = demoted.length === 1 && demoted[0] === user;
  return [
    ...(promoted.length > 0 ? [`made ${adminWords(promoted)}`] : []),
    ...(demoted.length === 0
      ? []
      : [isOwn ? "stopped being an admin" : `took admin rights from ${listNames(demoted)}`]),
  ];
}

/** `bob an admin`, `bob and carol admins`. */
export function adminWords(names: readonly string[]): string {
  return `${listNames(names)} ${names.length === 1 ? "an admin" : "admins"}`;
}

/** `alice, bob and carol`. */
export function listNames(names: readonly string[]): string {
  const named = names.slice(0, MAX_NAMED);
  const rest = names.length - named.length;
  const last = rest > 0 ? `${rest} more` : named.pop() ?? "";
  return named.length === 0 ? last : `${named.join(", ")} and ${last}`;
}
