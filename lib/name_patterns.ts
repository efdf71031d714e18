/**
 * Which texts can be names: all of them ASCII, of 1 to 32 characters (PROTOCOL.md section 6.2).
 *
 * @module
 */

/** The name of an account. */
export const ACCOUNT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

/** The name of a room. */
export const ROOM_NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Whether a text can be the name of an account. */
export function isAccountName(text: string): boolean {
  return ACCOUNT_NAME.test(text);
}

/** Whether a text can be the name of a room. */
export function isRoomName(text: string): boolean {
  return ROOM_NAME.test(text);
}
