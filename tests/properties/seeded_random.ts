/**
 * Randomness that can be had again: the same seed gives the same numbers on every machine.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** Marsaglia's xorshift with 128 bits of state ("Xorshift RNGs", 2003, section 4). */
export class SeededRandom {
  #x: number;
  #y: number;
  #z: number;
  #w: number;

  /** Any text as the seed: other texts give unrelated numbers. */
  constructor(seed: string) {
    const digest = createHash("sha256").update(seed).digest();
    this.#x = digest.readInt32LE(0) | 1; // all four zero would stay so
    this.#y = digest.readInt32LE(4);
    this.#z = digest.readInt32LE(8);
    this.#w = digest.readInt32LE(12);
  }

  /** 32 random bits as a number. */
  word(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    this.#w ^= (this.#w >>> 19) ^ t ^ (t >>> 8);
    return this.#w >>> 0;
  }

  /** A whole number from 0 to below `limit`, which has 32 bits at the most. */
  below(limit: number): number {
    return Math.floor(this.word() / 2 ** 32 * limit);
  }

  /** True one time in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of the list, which is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** A length up to `most`, short ones more often than long ones. */
  length(most: number): number {
    return this.below(this.below(most + 1) + 1);
  }

  /** Random bytes. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let word = 0;
    for (let at = 0; at < length; at += 1) {
      word = at % 4 === 0 ? this.word() : word >>> 8;
      bytes[at] = word;
    }
    return bytes;
  }
}
