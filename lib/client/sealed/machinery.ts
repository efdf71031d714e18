/**
 * All that needs the MLS library, loaded when it is needed first: a client that only says something
 * in an open room starts without it.
 *
 * @module
 */

export { Group } from "../../mls/group.ts";
export { readKeyPackage } from "../../mls/key_package.ts";
export { openOwnKeys } from "./own_keys.ts";
export { foundingStart, RoomEntrance } from "./room_entrance.ts";
export { SealedCipher } from "./sealed_cipher.ts";
export { SealedRoom } from "./sealed_room.ts";
