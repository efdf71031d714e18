/**
 * Making a room's members its admins, and taking that away.
 *
 * @module
 */

import { EnvironmentError } from "../../errors.ts";
import { foldName } from "../../folded_name.ts";
import { identityChanged } from "./key_claims.ts";
import { checkMayAppoint, demotion, promotion, resignation } from "./room_admins.ts";
import type { RoomSecurity } from "./room_security.ts";
import type { SealedRoom } from "./sealed_room.ts";

/**
 * Makes members admins, whose identity is the known one.
 *
 * @param security what holds in the room.
 * @returns whether any of them was none before.
 * @throws {CallerError} `not-admin`, `not-in-room`, `room-direct`, `too-many`, `identity-changed`.
 */
export async function promote(
  sealed: SealedRoom,
  { members }: RoomSecurity,
  users: readonly string[],
): Promise<boolean> {
  const wanted = new Set(users.map(foldName));
  checkMayAppoint(sealed.cipher.state.group, wanted);
  const isOther = members.find((one) => one.trust === "changed" && wanted.has(foldName(one.user)));
  if (isOther !== undefined) throw identityChanged(isOther.user);
  return await appoint(sealed, wanted, promotion);
}

/**
 * Makes admins plain members.
 *
 * @returns whether any of them was an admin before.
 * @throws {CallerError} `not-admin`, `not-in-room`, `room-direct`, `last-admin`.
 */
export async function demote(sealed: SealedRoom, users: readonly string[]): Promise<boolean> {
  const wanted = new Set(users.map(foldName));
  checkMayAppoint(sealed.cipher.state.group, wanted);
  return await appoint(sealed, wanted, demotion);
}

/**
 * This account is about to leave: should it come again, it begins as a plain member. But the only
 * admin stays one, since a room has none else.
 */
export async function stepDown(sealed: SealedRoom): Promise<void> {
  try {
    await sealed.change(resignation);
  } catch (error) {
    // By the server's books, the others are none: they were given new passwords, and so other keys.
    if (!(error instanceof EnvironmentError && error.code === "last-admin")) throw error;
  }
}

async function appoint(
  sealed: SealedRoom,
  wanted: ReadonlySet<string>,
  changeFor: typeof promotion | typeof demotion,
): Promise<boolean> {
  let isNeeded = false;
  await sealed.change((group) => {
    const change = changeFor(group, wanted);
    isNeeded ||= change !== undefined;
    return change;
  });
  return isNeeded;
}
