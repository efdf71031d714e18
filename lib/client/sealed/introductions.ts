/**
 * Identity keys of people that a session meets in a sealed room: the first of each is pinned, another
 * one later is a warning.
 *
 * @module
 */

import { EnvironmentError } from "../../errors.ts";
import { sameName } from "../../folded_name.ts";
import type { Member } from "../../mls/group.ts";
import { type ClientEvent, errorEvent } from "../events.ts";
import { listNames } from "./membership_news.ts";
import type { Trust } from "./trust.ts";

/** A member, as far as people know them. */
type Known = Pick<Member, "user" | "identity">;

/**
 * Pins what is new; what to tell of these members. Who cannot be remembered any more is told each
 * time: whoever fills the list with names must not end rooms by that.
 */
export function introduce(trust: Trust, room: string, members: readonly Known[]): ClientEvent[] {
  const forgotten: unknown[] = [];
  const met = members.map(({ user, identity }) => {
    try {
      return { user, how: trust.see(user, identity) };
    } catch (error) {
      if (!(error instanceof EnvironmentError && error.code === "contacts-full")) throw error;
      forgotten.push(error);
      return { user, how: "forgotten" };
    }
  });
  const named = (wanted: string): string[] => [
    ...new Set(met.filter(({ how }) => how === wanted).map(({ user }) => user)),
  ];
  const first = named("new");
  const warnings = [
    ...forgotten.slice(0, 1).map((error) => errorEvent(error, room)),
    ...named("changed").map((user) => warning(user, room)),
    ...named("former").map((user) => ofBefore(user, room)),
  ];
  return first.length === 0 ? warnings : [...warnings, firstContact(first, room)];
}

/** Where an account was invited to. */
interface Invited {
  room: string;
  /** With whom, if it is a direct room. */
  peer: string | undefined;
  /** The account's name. */
  user: string;
  /** Whether it was in a room of that name before. */
  isAnew?: boolean | undefined;
}

/**
 * What to tell of an invitation, by the welcome's word; nothing if it is this account's own deed. Who
 * was in the room before, and was not removed, may have been given another one by the server.
 */
export function invitation(
  by: string | undefined,
  { room, peer, user, isAnew = false }: Invited,
): ClientEvent[] {
  if (by === undefined || sameName(by, user)) return [];
  const message = peer === undefined
    ? `${by} added you to the sealed room ${room}: /join ${room} goes there`
    : `${by} writes to you: /dm ${by} answers`;
  const invited: ClientEvent = { type: "notice", code: "invited", message, room };
  return isAnew ? [invited, anew(by, room)] : [invited];
}

function anew(by: string, room: string): ClientEvent {
  const message = `By ${by}'s word ${room} begins anew for you. If nobody had removed you, ` +
    "it may be another room: compare /security with its members";
  return { type: "notice", code: "room-anew", message, room };
}

function warning(user: string, room: string): ClientEvent {
  const message = `WARNING: ${user} has another identity key than before. ` +
    `It may be somebody else: compare /verify ${user}, then /verified ${user}`;
  return { type: "identity", user, room, message };
}

/** The room has devices of an identity in whose place another one was acknowledged. */
function ofBefore(user: string, room: string): ClientEvent {
  const message = `${user} has an identity key of before in ${room}: ` +
    `/invite ${user} there lets the new one in`;
  return { type: "notice", code: "identity-former", room, message };
}

/** What to tell of people whose keys were pinned just now, in a room or before they are in one. */
export function firstContact(users: readonly string[], room?: string): ClientEvent {
  const whom = users.length === 1 ? users[0] : "NAME";
  const message = `First contact with ${listNames(users)}: /verify ${whom} compares identities`;
  const notice = { type: "notice", code: "contacts-new", message } as const;
  return room === undefined ? notice : { ...notice, room };
}
