/**
 * Open rooms that a server shows in the place of sealed ones of the same name, to read what is said
 * there: a client leaves them.
 *
 * @module
 */

import { PeerError } from "../../errors.ts";
import type { Memberships } from "../memberships.ts";

/** What was a sealed room is none that the server can read: nothing more is said there. */
export async function leaveOpenTwins(
  memberships: Memberships,
  isSealed: (room: string) => boolean,
  report: (error: unknown, room: string) => Promise<void>,
): Promise<void> {
  for (const { state: { room, kind } } of memberships.all) {
    if (kind !== "open" || !isSealed(room)) continue;
    const error = openTwin(room);
    await report(error, room);
    await memberships.quit(room, error);
  }
}

/** Leaves one that was just joined; throws `room-inconsistent`. */
export async function refuseOpenTwin(memberships: Memberships, room: string): Promise<never> {
  const error = openTwin(room);
  if (memberships.all.some(({ state }) => state.room === room)) await memberships.quit(room, error);
  throw error;
}

function openTwin(room: string): PeerError {
  const message = `The server shows an open room in the place of the sealed room ${room}`;
  return new PeerError("room-inconsistent", message);
}
