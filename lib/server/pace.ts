/**
 * A pace: attempts that may go so many at once, and one after the other from then on. It is the
 * virtual schedule of the generic cell rate algorithm (ITU-T I.371): all that there is to remember is
 * one moment, at which everything so far will have been made good.
 *
 * @module
 */

/** What a pace allows. */
export interface PaceOptions {
  /** Attempts at once, at least 1. */
  burst: number;
  /** Milliseconds from each further attempt to the next, and for one to be made good. */
  intervalMs: number;
}

/** The pace of one account, or of one address. Times are in milliseconds. */
export class Pace {
  readonly #options: PaceOptions;
  #recoveredAt = -Infinity;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Milliseconds until an attempt that comes now may go on. */
  wait(now: number): number {
    const { burst, intervalMs } = this.#options;
    return Math.max(0, this.#recoveredAt - now - (burst - 1) * intervalMs);
  }

  /** Charges an attempt; returns what gives back as much of the charge as is not yet made good. */
  charge(now: number): (now: number) => void {
    const { intervalMs } = this.#options;
    const madeGoodAt = Math.max(this.#recoveredAt, now) + intervalMs;
    this.#recoveredAt = madeGoodAt;
    return (now) => {
      this.#recoveredAt -= Math.min(intervalMs, Math.max(0, madeGoodAt - now));
    };
  }

  /** Whether all attempts are made good: it is like a new one then. */
  isRecovered(now: number): boolean {
    return this.#recoveredAt <= now;
  }
}
