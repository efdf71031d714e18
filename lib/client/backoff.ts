/**
 * When to try again after an outage: exponential back-off with jitter, so that the clients of a
 * server that comes back do not all arrive in the same moment.
 *
 * @module
 */

import type { Timing } from "./timing.ts";

/** Milliseconds from the shortest to the longest wait. */
export type DelayRange = Pick<Timing, "leastDelayMs" | "mostDelayMs">;

/**
 * Milliseconds to wait before an attempt: anything from the shortest wait to a ceiling, which
 * doubles with each attempt up to the longest one.
 *
 * @param attempt counts from 1.
 * @param random from 0 up to 1.
 */
export function delayBefore(attempt: number, random: number, range: DelayRange): number {
  const { leastDelayMs, mostDelayMs } = range;
  const ceiling = Math.min(mostDelayMs, leastDelayMs * 2 ** attempt);
  return Math.round(leastDelayMs + random * (ceiling - leastDelayMs));
}

/** A time without a connection that holds: how often it was tried, and for how long yet. */
export class Outage {
  readonly #range: DelayRange;
  readonly #end: number;
  #attempt = 0;

  /** @param forMs milliseconds from now in which to try; may be `Infinity`. */
  constructor(forMs: number, range: DelayRange) {
    this.#range = range;
    this.#end = performance.now() + forMs;
  }

  /** The next attempt, the last one at the end of the time; undefined when that is over. */
  next(): { attempt: number; delayMs: number } | undefined {
    const left = this.#end - performance.now();
    if (left <= 0) return undefined;
    this.#attempt += 1;
    const delay = delayBefore(this.#attempt, Math.random(), this.#range);
    return { attempt: this.#attempt, delayMs: Math.min(delay, Math.ceil(left)) };
  }
}
