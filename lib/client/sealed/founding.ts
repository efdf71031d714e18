/**
 * Making a sealed room: its group with one device, whose state the server stores together with the
 * room, or not at all (PROTOCOL.md section 12.5).
 *
 * @module
 */

import { FernetKey } from "../../fernet.ts";
import { Group, type RoomPolicy } from "../../mls/group.ts";
import { encodeRoomRecord } from "../../vault/room_record.ts";
import type { Requests } from "../requests.ts";
import { foundingStart, type RoomStart } from "./room_entrance.ts";
import type { SealedRoom } from "./sealed_room.ts";
import type { OwnKeys } from "./own_keys.ts";

/** What a room is made with. */
export interface FoundingOptions {
  requests: Requests;
  rooms: {
    keys(): Promise<OwnKeys>;
    /** Joins the room with the state that was made. */
    found(room: string, start: RoomStart, peer?: string): Promise<SealedRoom>;
  };
}

/**
 * Makes a room by these rules, and is in it.
 *
 * @param peer of a direct room: the other one.
 * @throws {EnvironmentError} `room-taken`, `room-reserved`, `room-limit`.
 */
export async function foundRoom(
  { requests, rooms }: FoundingOptions,
  policy: RoomPolicy,
  peer?: string,
): Promise<SealedRoom> {
  const { room } = policy;
  const { store, account, device } = await rooms.keys();
  const group = await Group.create(device.keys, policy);
  const start = await foundingStart(group, device.keys);
  const { head: { seq, chain: head }, archive, leaving } = start;
  const known = { archive, leaving, recent: start.recent.encode(), account: account.version };
  const record = { seq, head, ...known, state: group.encode() };
  const blob = `device/${device.number}/${room}`;
  const state = store.seal(blob, encodeRoomRecord(record)).bytes;
  const { id: key_id } = FernetKey.fromBytes(await group.epochKey());
  const about = { key_id, device: device.number, lease: device.lease };
  const with_ = peer === undefined ? {} : { peer };
  await requests.exchange({ do: "create_sealed", room, ...with_, ...about }, state);
  store.saved(blob);
  return await rooms.found(room, start, peer);
}
