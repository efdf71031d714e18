/**
 * Which names can stand in a credential or a room's policy, and when two are the same account's.
 *
 * @module
 */

const ACCOUNT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
const ROOM = /^[a-z0-9][a-z0-9_-]{0,31}$/;

/** Whether a text can be the name of an account: 1 to 32 ASCII characters. */
export function isAccountName(text: string): boolean {
  return ACCOUNT.test(text);
}

/** Whether a text can be the name of a room: 1 to 32 ASCII characters. */
export function isRoomName(text: string): boolean {
  return ROOM.test(text);
}

/** One form for all spellings of an account's name: they are the same account. */
export function foldUser(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether two names are the same account's. */
export function sameUser(one: string, other: string): boolean {
  return foldUser(one) === foldUser(other);
}
