/**
 * When two spellings are the same account's name.
 *
 * @module
 */

/** One form for all spellings of a name. ASCII only, as the database compares names. */
export function foldName(username: string): string {
  return username.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Whether two names are the same account's. */
export function sameName(one: string, other: string): boolean {
  return foldName(one) === foldName(other);
}
