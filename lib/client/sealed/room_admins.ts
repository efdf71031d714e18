/**
 * Who rules over a room: what a commit is to do to that, on whatever group it is made.
 *
 * @module
 */

import { sameBytes } from "../../same_bytes.ts";
import { CallerError } from "../../errors.ts";
import { foldName } from "../../folded_name.ts";
import type { Group, Member, RoomPolicy } from "../../mls/group.ts";
import { MAX_ADMINS } from "../../mls/limits.ts";
import { accountsOf, adminsAmong, adminWords, listNames } from "./membership_news.ts";
import type { Change } from "./sealed_room.ts";

/**
 * Passes if this account rules over a room.
 *
 * @param what those who rule over it can do, for who cannot.
 * @throws {CallerError} `not-admin`.
 */
export function checkRules({ policy, own }: Group, what: string): void {
  if (adminsAmong([own], policy).length > 0) return;
  throw new CallerError("not-admin", `Only the admins of ${policy.room} can ${what}`, {
    hint: "/security shows who they are",
  });
}

/** Passes if accounts are members, by their folded names. Throws `not-in-room`. */
export function checkPresent({ members }: Group, wanted: ReadonlySet<string>): void {
  const present = new Set(members.map(({ user }) => foldName(user)));
  for (const user of wanted) {
    if (!present.has(user)) throw new CallerError("not-in-room", `${user} is not a member`);
  }
}

/**
 * Passes if this account may say who is an admin, and of these members, by their folded names.
 *
 * @throws {CallerError} `room-direct`, `not-admin`, `not-in-room`.
 */
export function checkMayAppoint(group: Group, wanted: ReadonlySet<string>): void {
  if (group.policy.kind === "direct") {
    throw new CallerError("room-direct", "Nobody rules over a room for two");
  }
  checkRules(group, "say who is an admin");
  checkPresent(group, wanted);
}

/**
 * Makes accounts admins, by their folded names; undefined if all of them are.
 *
 * @throws {CallerError} `too-many`.
 */
export function promotion(group: Group, wanted: ReadonlySet<string>): Change | undefined {
  const ruling = rulers(group);
  const risen = group.members.filter((one) => isAmong(wanted, one) && !ruling.includes(one));
  if (risen.length === 0) return undefined;
  const policy = ruledBy(group, [...ruling, ...risen]);
  if (policy.admins.length > MAX_ADMINS) {
    throw new CallerError("too-many", `A room has at most ${MAX_ADMINS} admins`);
  }
  return { plan: { policy }, text: `made ${adminWords(accountsOf(risen))}` };
}

/**
 * Makes accounts no admins any more, by their folded names; undefined if none of them is one.
 *
 * @throws {CallerError} `last-admin`.
 */
export function demotion(group: Group, wanted: ReadonlySet<string>): Change | undefined {
  const ruling = rulers(group);
  const fallen = ruling.filter((one) => isAmong(wanted, one));
  if (fallen.length === 0) return undefined;
  const staying = ruling.filter((one) => !isAmong(wanted, one));
  if (staying.length === 0) {
    throw new CallerError("last-admin", `${group.policy.room} needs an admin`, {
      hint: "/admin NAME makes somebody else one first",
    });
  }
  const text = `took admin rights from ${listNames(accountsOf(fallen))}`;
  return { plan: { policy: ruledBy(group, staying) }, text };
}

/** The same of the own account, if somebody else stays an admin. */
export function resignation(group: Group): Change | undefined {
  const own = new Set([foldName(group.own.user)]);
  if (group.policy.kind === "direct" || rulers(group).every((one) => isAmong(own, one))) {
    return undefined;
  }
  return demotion(group, own);
}

/** The devices of those who rule over a room. */
function rulers({ members, policy }: Group): Member[] {
  return adminsAmong(members, policy);
}

/** Keys of who is no member any more are not taken over: whoever comes again begins as a member. */
function ruledBy({ policy }: Group, rulers: readonly Member[]): RoomPolicy {
  const admins: Uint8Array[] = [];
  for (const { identity } of rulers) {
    if (!admins.some((admin) => sameBytes(admin, identity))) admins.push(identity);
  }
  return { ...policy, admins };
}

function isAmong(wanted: ReadonlySet<string>, { user }: Member): boolean {
  return wanted.has(foldName(user));
}
