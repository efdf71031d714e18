/**
 * Paces by key, in bounded memory.
 *
 * @module
 */

import { Pace, type PaceOptions } from "./pace.ts";

/** A look for recovered paces costs one step a key: it comes once in an eighth of as many new keys. */
const SWEEPS_PER_TURNOVER = 8;

/**
 * The paces of at most so many keys. When a new key finds the table full, recovered paces go first:
 * a new one would be the same, so that forgetting them changes nothing. If there are none, the pace
 * that was charged least recently goes. That is a gift to its key: whoever guesses at one account
 * gets a burst again for filling the whole table with charges to others, and each of those was paid
 * at the pace of an address.
 */
export class PaceTable {
  readonly #options: PaceOptions;
  readonly #maxKeys: number;
  /** The least recently charged first. */
  readonly #paces = new Map<string, Pace>();
  #newSinceSweep = Infinity;

  /** `maxKeys` is at least 1. */
  constructor(options: PaceOptions, maxKeys: number) {
    this.#options = options;
    this.#maxKeys = maxKeys;
  }

  /** The keys that it holds now. */
  get size(): number {
    return this.#paces.size;
  }

  /** The pace of a key, to look at: it is held only once it was charged. */
  find(key: string): Pace {
    return this.#paces.get(key) ?? new Pace(this.#options);
  }

  /** Charges an attempt to a key's pace; see {@linkcode Pace.charge}. Amortised O(1). */
  charge(key: string, now: number): (now: number) => void {
    const pace = this.find(key);
    if (!this.#paces.delete(key)) this.#makeRoom(now);
    this.#paces.set(key, pace);
    return pace.charge(now);
  }

  #makeRoom(now: number): void {
    this.#newSinceSweep++;
    if (this.#paces.size < this.#maxKeys) return;
    if (this.#newSinceSweep >= this.#maxKeys / SWEEPS_PER_TURNOVER) this.#sweep(now);
    if (this.#paces.size < this.#maxKeys) return;
    const [leastRecent] = this.#paces.keys();
    this.#paces.delete(leastRecent as string);
  }

  #sweep(now: number): void {
    this.#newSinceSweep = 0;
    for (const [key, pace] of this.#paces) {
      if (pace.isRecovered(now)) this.#paces.delete(key);
    }
  }
}
