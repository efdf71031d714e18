/**
 * Who may speak in a room now: slow rooms take one message of each member in so many seconds.
 *
 * @module
 */

/** See the module's description. */
export class Floor {
  readonly #now: () => number;
  /** When each member spoke last, by room. */
  readonly #spoke = new Map<string, Map<string, number>>();

  /** `now` counts milliseconds and never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Takes the floor for one message.
   *
   * @param seconds between two messages of a member.
   * @returns seconds to wait first; 0 if the floor was taken.
   */
  take(room: string, user: string, seconds: number): number {
    const spoke = this.#spoke.get(room) ?? new Map<string, number>();
    const now = this.#now();
    const wait = (spoke.get(user) ?? -Infinity) + seconds * 1_000 - now;
    if (wait > 0) return Math.ceil(wait / 1_000);
    this.#spoke.set(room, spoke.set(user, now));
    return 0;
  }

  /** Gives the floor back that was taken last: the message was refused, and may come again. */
  giveBack(room: string, user: string): void {
    this.#spoke.get(room)?.delete(user);
  }
}
