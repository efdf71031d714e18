/**
 * When two spellings are the same account's name.
 *
 * @module
 */

/** One form for all spellings of a name. ASCII only, as the database compares names. */
export function foldName(username: string): string {
  return username.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
