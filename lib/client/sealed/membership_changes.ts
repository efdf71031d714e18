/**
 * What a commit is to do to a group's members, on whatever group it is made.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import { foldName, sameName } from "../../folded_name.ts";
import type { Group, Member } from "../../mls/group.ts";
import type { ForeignKeyPackage } from "../../mls/key_package.ts";
import { sameBytes } from "../../same_bytes.ts";
import { accountsOf, listNames } from "./membership_news.ts";
import { checkPresent, checkRules } from "./room_admins.ts";
import type { Change } from "./sealed_room.ts";

/** The packages of devices that are not in a group yet. */
export function absentFrom(
  group: Group,
  packages: readonly ForeignKeyPackage[],
): ForeignKeyPackage[] {
  const present = new Set(group.members.map(deviceOf));
  return packages.filter((one) => !present.has(deviceOf(one)));
}

/** Adds devices that are not there by now, and removes those of an identity that is over. */
export function addition(
  group: Group,
  packages: readonly ForeignKeyPackage[],
): Change | undefined {
  const add = absentFrom(group, packages);
  if (add.length === 0) return undefined;
  const removeLeaves = group.members
    .filter((member) => add.some((one) => isReplaced(member, one)))
    .map(({ leaf }) => leaf);
  const plan = removeLeaves.length === 0 ? { add } : { add, removeLeaves };
  return { plan, text: `added ${listNames(accountsOf(add))}` };
}

/**
 * Passes if this account may remove others, by their folded names.
 *
 * @throws {CallerError} `target-self`, `not-admin`, `not-in-room`.
 */
export function checkMayRemove(group: Group, wanted: ReadonlySet<string>): void {
  if (wanted.has(foldName(group.own.user))) {
    throw new CallerError("target-self", "You cannot remove yourself: /leave does that");
  }
  checkRules(group, "remove people");
  checkPresent(group, wanted);
}

/** Removes accounts, by their folded names. */
export function removal(group: Group, wanted: ReadonlySet<string>): Change | undefined {
  const gone = group.members.filter(({ user }) => wanted.has(foldName(user)));
  if (gone.length === 0) return undefined;
  const removeLeaves = gone.map(({ leaf }) => leaf);
  return { plan: { removeLeaves }, text: `removed ${listNames(accountsOf(gone))}` };
}

/** The same account, under an identity that is over. */
function isReplaced(member: Member, added: ForeignKeyPackage): boolean {
  return sameName(member.user, added.user) &&
    !sameBytes(member.identity, added.identity);
}

function deviceOf({ signatureKey }: Pick<Member, "signatureKey">): string {
  return signatureKey.join();
}
