/**
 * Who can read a room and why, in lines of less than 80 columns.
 *
 * @module
 */

import { describeError } from "../../errors.ts";
import type { Head } from "../../log/message_log.ts";
import type { RoomView } from "../member.ts";
import { nameOfRoom } from "../room_names.ts";
import type { MemberSecurity, MemberTrust, RoomSecurity } from "../sealed/room_security.ts";

/** Members that have a line of their own; of the others, those who need a look. */
const MAX_LINES = 24;

/** Hex digits of the log's head that are shown: half of its 256 bits' strength is 2^32 tries. */
const HEAD_DIGITS = 16;

/** Whoever needs a look first. */
const TRUSTS: readonly MemberTrust[] = ["changed", "former", "unverified", "verified", "own"];

/** An open room's. */
export function describeOpenRoom({ room, keyId, head }: RoomView): string[] {
  return [
    `${room} is an open room: the server makes its key, for all who enter`,
    `Fernet key: ${keyId}. Who has it can read what was said: everyone who was`,
    "here, and the server, which could also speak in somebody's name",
    "On its way to the server and from there, nobody can read or change it",
    ...describeHead(head),
  ];
}

/** A sealed room's. */
export function describeSealedRoom(view: RoomView, security: RoomSecurity): string[] {
  const { suite, epoch, keyId, members, head, broken } = security;
  const admins = members.filter(({ isAdmin }) => isAdmin).map(({ user }) => user);
  return [
    `${nameOfRoom(view)} is a sealed room. Its members' devices make its keys among`,
    "themselves (MLS, RFC 9420), and the server passes on what it cannot read",
    `Cipher suite: ${suite}`,
    `Epoch ${epoch}; each change of members or keys begins one. Fernet key: ${keyId}`,
    `Members, by the room's keys: ${members.length}`,
    ...memberLines(members),
    ...(view.peer === undefined ? adminLines(admins) : []),
    "The server sees who is a member, who says something when, and how long it is",
    ...(broken === undefined ? [] : [`It cannot be followed any more: ${describeError(broken)}`]),
    ...describeHead(head),
    "Each message carries the head that its sender saw, and is checked against it",
  ];
}

/** How far the log was followed: to be compared, since a server could show two logs. */
function describeHead({ seq, chain }: Head): string[] {
  return [
    `You have followed the log to message ${seq}, head ${chain.slice(0, HEAD_DIGITS)}`,
    "Who is at the same message has to see the same head: ask for this line",
  ];
}

function adminLines(admins: readonly string[]): string[] {
  if (admins.length === 0) return ["There is no admin any more: nobody can remove others"];
  return ["Admins, who alone can remove others:", ...inColumns(admins)];
}

function memberLines(members: readonly MemberSecurity[]): string[] {
  const inOrder = members.length <= MAX_LINES
    ? members
    : members.toSorted((one, other) => TRUSTS.indexOf(one.trust) - TRUSTS.indexOf(other.trust));
  const lines = inOrder.slice(0, MAX_LINES).map(memberLine);
  const others = inOrder.slice(MAX_LINES);
  if (others.length === 0) return lines;
  const verified = others.filter(({ trust }) => trust === "verified").length;
  return [...lines, `  and ${others.length} more, ${verified} of them verified`];
}

function memberLine({ user, devices, isLeaving, trust }: MemberSecurity): string {
  const notes = [
    devices === 1 ? "1 device" : `${devices} devices`,
    WORDS[trust],
    ...(isLeaving ? ["leaves"] : []),
  ].join(", ");
  const command = NEXT[trust];
  return `  ${user}: ${notes}${command === undefined ? "" : ` (${command} ${user})`}`;
}

const WORDS: { [trust in MemberTrust]: string } = {
  own: "you",
  verified: "verified",
  unverified: "not compared",
  changed: "ANOTHER KEY THAN BEFORE",
  former: "the key of before",
};

/** What one can do about it. */
const NEXT: { [trust in MemberTrust]?: string } = {
  unverified: "/verify",
  changed: "/verify",
  former: "/invite",
};

/** Names, as many in a line as fit. */
function inColumns(names: readonly string[]): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const longer = `${lines.at(-1) ?? ""}, ${name}`;
    if (lines.length > 0 && longer.length <= 76) lines[lines.length - 1] = longer;
    else lines.push(`  ${name}`);
  }
  return lines;
}
