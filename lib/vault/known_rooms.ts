/**
 * The sealed rooms that an account has been in: a server must not pass one off as an open room later,
 * nor as a new one that somebody else has made.
 *
 * @module
 */

/** Rooms that are kept: with the longest names, a tenth of a blob. What comes then is not kept. */
export const MAX_KNOWN_ROOMS = 4096;

/** See the module's description. */
export class KnownRooms implements Iterable<string> {
  readonly #names: Set<string>;
  #unsaved: string[] = [];

  constructor(names: Iterable<string> = []) {
    this.#names = new Set(names);
  }

  /** How many are not stored yet. */
  get unsaved(): number {
    return this.#unsaved.length;
  }

  /** In their order. */
  [Symbol.iterator](): Iterator<string> {
    return [...this.#names].sort().values();
  }

  has(room: string): boolean {
    return this.#names.has(room);
  }

  /** Takes note of a room; none is ever given up for another one. */
  note(room: string): void {
    if (this.#names.has(room) || this.#names.size >= MAX_KNOWN_ROOMS) return;
    this.#names.add(room);
    this.#unsaved.push(room);
  }

  /** The first so many are stored now: all that there were when they were encoded. */
  saved(count: number): void {
    this.#unsaved = this.#unsaved.slice(count);
  }

  /** Those that are not stored on top of what another session has stored meanwhile. */
  rebase(stored: KnownRooms): KnownRooms {
    const rooms = new KnownRooms(stored);
    for (const room of this.#unsaved) rooms.note(room);
    return rooms;
  }
}
