/**
 * A commit: whether it may be, and what it changes. The server checks what it can without a key; the
 * members' clients check everything (RFC 9750 section 5.2).
 *
 * @module
 */

import { CallerError } from "../errors.ts";
import type { DeviceOf } from "./commits.ts";
import type { Delivery } from "./delivery.ts";
import { epochOutdated, type SealedMembership } from "./sealed_rooms.ts";

/** A commit, with all names as their accounts have them. */
export interface CommitDeed {
  room: string;
  /** Who commits. */
  user: string;
  device: number;
  lease: number;
  /** The epoch that it ends. */
  epoch: number;
  /** The id of the key of the epoch that it begins. */
  keyId: string;
  adds: readonly string[];
  removes: readonly string[];
  /** Members who become admins, and who are none any more. */
  promotes: readonly string[];
  demotes: readonly string[];
  welcomes: readonly DeviceOf[];
  commit: Uint8Array;
  /** Empty for none. */
  welcome: Uint8Array;
  /** The device's new state; empty for none. */
  state: Uint8Array;
}

/** Who is in the room after a commit, and was not before, or the other way round. */
export interface MembershipChange {
  admitted: readonly string[];
  dismissed: readonly string[];
}

/**
 * Passes if a commit may be now; says what it changes.
 *
 * @throws {EnvironmentError} `room-unknown`.
 * @throws {CallerError} `lease-lost`, `epoch-outdated`, `direct-room`, `not-admin`, `last-member`,
 * `room-full`, `not-in-room`, `last-admin`, `welcome-invalid`.
 */
export function checkCommit(delivery: Delivery, deed: CommitDeed): MembershipChange {
  const { room, user, device, lease, epoch } = deed;
  const place = delivery.rooms.get(room, user);
  delivery.devices.check(user, device, lease);
  if (place.epoch !== epoch) throw epochOutdated();
  const members = new Set(delivery.rooms.members(room));
  const admitted = deed.adds.filter((name) => !members.has(name));
  const leaving = deed.removes.filter((name) => !deed.adds.includes(name));
  const dismissed = leaving.filter((name) => members.has(name));
  checkAdds(place, user, deed.adds);
  checkRemovals(place, user, dismissed);
  checkSize(delivery, members.size + admitted.length - dismissed.length);
  const after = new Set([...members, ...admitted]);
  for (const name of dismissed) after.delete(name);
  checkAdmins(delivery, place, deed, after);
  if (!deed.welcomes.every((one) => after.has(one.user))) {
    throw new CallerError("welcome-invalid", "A welcome is for members alone");
  }
  return { admitted, dismissed };
}

/**
 * Stores a commit whose entry has the place `seq` in the log, within a transaction of the caller's.
 * Throws as {@linkcode checkCommit}, and `vault-full`, `blob-too-large`.
 */
export function storeCommit(delivery: Delivery, deed: CommitDeed, seq: number): MembershipChange {
  const change = checkCommit(delivery, deed);
  const { rooms, commits, vault } = delivery;
  const { room, user, device, state } = deed;
  rooms.advance(room, deed.epoch, deed.keyId);
  for (const name of change.admitted) delivery.admit(name, room, seq);
  for (const name of change.dismissed) delivery.dismiss(name, room);
  for (const name of deed.promotes) rooms.setAdmin(room, name, true);
  for (const name of deed.demotes) rooms.setAdmin(room, name, false);
  commits.add(room, seq, deed.epoch, deed.commit);
  if (deed.welcome.length > 0) commits.addWelcome(room, seq, deed.welcome, deed.welcomes);
  if (state.length > 0) {
    const save = (): void => vault.replace(user, `device/${device}/${room}`, state);
    delivery.saveState(user, device, room, save);
  }
  return change;
}

function checkAdds({ peers }: SealedMembership, user: string, adds: readonly string[]): void {
  if (peers === null) return;
  const isPeer = (name: string): boolean => peers.split(" ").includes(name.toLowerCase());
  if (adds.every(isPeer)) return;
  throw new CallerError("direct-room", `Nobody can be added to a direct room of ${user}'s`);
}

/** Whoever has left already may be removed by any member: its devices are in the group still. */
function checkRemovals(
  { admin }: SealedMembership,
  user: string,
  dismissed: readonly string[],
): void {
  if (admin || dismissed.every((name) => name === user)) return;
  throw new CallerError("not-admin", "Only an admin of the room can remove somebody");
}

/** Whoever has left already may be named as an admin no more: its key is in the group's rules still. */
function checkAdmins(
  { rooms }: Delivery,
  { room, admin, peers }: SealedMembership,
  { promotes, demotes }: CommitDeed,
  after: ReadonlySet<string>,
): void {
  if (promotes.length + demotes.length === 0) return;
  if (!admin) {
    throw new CallerError("not-admin", "Only an admin of the room can make others admins");
  }
  if (peers !== null) throw new CallerError("direct-room", "Nobody rules over a direct room");
  if (!promotes.every((name) => after.has(name))) {
    throw new CallerError("not-in-room", "Only a member of the room can be its admin");
  }
  const admins = new Set([...rooms.admins(room), ...promotes]);
  for (const name of demotes) admins.delete(name);
  if ([...admins].some((name) => after.has(name))) return;
  throw new CallerError("last-admin", "The room's last admin has to stay one");
}

function checkSize({ limits }: Delivery, members: number): void {
  if (members === 0) throw new CallerError("last-member", "The last member cannot be removed");
  if (members <= limits.roomMembers) return;
  throw new CallerError("room-full", `A room has at most ${limits.roomMembers} members`);
}
