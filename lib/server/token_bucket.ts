/**
 * Token buckets: how fast someone may go on. Tokens refill continuously up to a burst; who takes
 * more than there are goes into debt and waits until it is paid.
 *
 * @module
 */

/** How fast a bucket refills. */
export interface TokenBucketOptions {
  /** Tokens a second, above 0; Infinity for no limit. */
  perSecond: number;
  /** Tokens that a full bucket holds: what may be taken at once without a wait. */
  burst: number;
  /** The clock, in milliseconds, which never goes back; `performance.now` by default. */
  now?: () => number;
}

/** A bucket of tokens, full at first. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #now: () => number;
  /** Tokens missing at `#asOf`; above the burst, the rest is debt. Whole as long as costs are. */
  #missing = 0;
  #asOf: number;

  constructor({ perSecond, burst, now = () => performance.now() }: TokenBucketOptions) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#now = now;
    this.#asOf = now();
  }

  /**
   * Takes `cost` tokens, going into debt if need be; returns the milliseconds that the caller must
   * wait before going on (0 if none).
   */
  take(cost = 1): number {
    if (this.#perMs === Infinity) return 0;
    this.#refill();
    this.#missing += cost;
    return Math.max(0, this.#missing - this.#burst) / this.#perMs;
  }

  /** Whether it is full again, so that it can be forgotten. */
  get full(): boolean {
    this.#refill();
    return this.#missing === 0;
  }

  #refill(): void {
    const now = this.#now();
    if (this.#missing > 0) {
      this.#missing = Math.max(0, this.#missing - (now - this.#asOf) * this.#perMs);
    }
    this.#asOf = now;
  }
}

/** Buckets below this number are not worth a look for full ones. */
const MIN_BEFORE_SWEEP = 16;

/**
 * Buckets by key (an account), made on demand and forgotten when full again: a new one would be the
 * same. It holds at most twice as many as were not full at its last look, or 16; looking costs O(1)
 * for each bucket made.
 */
export class TokenBuckets {
  readonly #options: TokenBucketOptions;
  readonly #buckets = new Map<string, TokenBucket>();
  #sweepAt = MIN_BEFORE_SWEEP;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
  }

  /** As {@linkcode TokenBucket.take}, of the bucket of `key`. */
  take(key: string, cost = 1): number {
    const bucket = this.#buckets.get(key) ?? this.#make(key);
    return bucket.take(cost);
  }

  /** The buckets that it holds now. */
  get size(): number {
    return this.#buckets.size;
  }

  #make(key: string): TokenBucket {
    if (this.#buckets.size >= this.#sweepAt) this.#sweep();
    const bucket = new TokenBucket(this.#options);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #sweep(): void {
    for (const [key, bucket] of this.#buckets) {
      if (bucket.full) this.#buckets.delete(key);
    }
    this.#sweepAt = Math.max(MIN_BEFORE_SWEEP, 2 * this.#buckets.size);
  }
}
