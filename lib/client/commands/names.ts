/**
 * Who is in a room, in a line: of an open one as the server says, of a sealed one as its keys say.
 *
 * @module
 */

import { foldName } from "../../folded_name.ts";
import type { ResultOf } from "../../protocol/requests.ts";
import { type CalledRoom, nameOfRoom } from "../room_names.ts";
import type { MemberSecurity } from "../sealed/room_security.ts";

type Present = ResultOf<"names">;

/** `In lobby: alice (operator), bob (away: lunch), carol`. */
export function describePresent({ room, names, more }: Present): string {
  const people = names.map(({ user, role, away }) =>
    withNotes(user, [...(role === "operator" ? ["operator"] : []), ...awayNotes(away)])
  );
  const rest = more === 0 ? "" : `, and ${more} more`;
  return `In ${room}: ${people.join(", ") || "nobody"}${rest}`;
}

/**
 * `Members of dungeon: alice (admin), bob (away: lunch), carol (not here)`. Nobody can be put out of
 * a direct room, so there it matters to nobody who its admin is.
 */
export function describeMembers(
  view: CalledRoom,
  members: readonly MemberSecurity[],
  { names, more }: Present,
): string[] {
  const present = new Map(names.map((one) => [foldName(one.user), one]));
  const people = members.map(({ user, isAdmin }) => {
    const here = present.get(foldName(user));
    present.delete(foldName(user));
    const isAbsent = here === undefined && more === 0;
    return withNotes(user, [
      ...(isAdmin && view.peer === undefined ? ["admin"] : []),
      ...(isAbsent ? ["not here"] : awayNotes(here?.away)),
    ]);
  });
  const line = `Members of ${nameOfRoom(view)}: ${people.join(", ")}`;
  if (present.size === 0) return [line];
  const strangers = [...present.values()].map(({ user }) => user);
  return [line, `The server names also, who are no members: ${strangers.join(", ")}`];
}

/** That someone is away, and why. */
export function awayNotes(away: string | undefined): string[] {
  if (away === undefined) return [];
  return [away === "" ? "away" : `away: ${away}`];
}

function withNotes(user: string, notes: readonly string[]): string {
  return notes.length === 0 ? user : `${user} (${notes.join(", ")})`;
}
