/**
 * All that needs the MLS library, loaded when it is needed first: a client that only says something
 * in an open room starts without it.
 *
 * @module
 */

export { readKeyPackage } from "../../mls/key_package.ts";
export { safetyNumber } from "../../mls/safety_number.ts";
export { foundRoom } from "./founding.ts";
export { openOwnKeys } from "./own_keys.ts";
export { RoomEntrance } from "./room_entrance.ts";
export { securityOf } from "./room_security.ts";
export { SealedCipher } from "./sealed_cipher.ts";
export { SealedRoom } from "./sealed_room.ts";
