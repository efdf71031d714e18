/**
 * Who may try a login now. Guessing passwords online is slowed per account and per address, and
 * the slowing cannot be turned against a user at an address where that user has logged in before.
 *
 * In OPAQUE a guesser learns from the server's first answer whether the password was right
 * (RFC 9807 section 6.3), so every attempt is charged before it is answered, and given back once it
 * has proven the password.
 *
 * An account and an address have each a {@link Pace}; an attempt takes the next slot of both. But a
 * pair of account and address that has logged in is *known*: it has a pace of its own instead,
 * so that neither a flood on the account from elsewhere nor a neighbour behind the same NAT who
 * guesses at other accounts keeps that user out. From a new address, a user waits with the crowd for as
 * long as a flood lasts; and who shares a known address with the user can use up that pair's pace.
 *
 * @module
 */

import { addressGroup } from "./address_group.ts";
import { KnownPairs } from "./known_pairs.ts";
import type { PaceOptions } from "./pace.ts";
import { PaceTable } from "./pace_table.ts";

/** How logins are paced. */
export interface PacingOptions {
  /** For each account, whether it exists or not, and for each known pair. */
  account: PaceOptions;
  /** For each address group (see {@link addressGroup}). */
  address: PaceOptions;
  /** Milliseconds that an attempt may wait for its slot; it is refused rather than wait longer. */
  maxDelayMs: number;
  /** Entries of each table: accounts, addresses, known pairs. */
  maxKeys: number;
  /** The clock, in milliseconds, which never goes back; `performance.now` by default. */
  now?: () => number;
}

/**
 * An account takes 10 attempts at once, more than the typing errors of a morning, and 8,640 a day
 * from then on: four months for a million likely passwords. An address takes 60 at once, a class
 * behind one NAT. Nobody waits longer than a person would before trying again. An entry
 * takes some 300 bytes, the longest names included: all tables together 9 MiB.
 */
export const DEFAULT_PACING: PacingOptions = {
  account: { burst: 10, intervalMs: 10_000 },
  address: { burst: 60, intervalMs: 2_000 },
  maxDelayMs: 10_000,
  maxKeys: 10_000,
};

/** An attempt that may go on. */
export interface AllowedAttempt {
  allowed: true;
  /** Milliseconds to wait before it is answered. */
  delayMs: number;
  /** It has proven the password. Safe to call again. */
  succeeded(): void;
}

/** An attempt that is not to be answered. It cost nothing. */
export interface RefusedAttempt {
  allowed: false;
  /** Milliseconds after which it would be allowed, if nobody else tried: whole, above 0. */
  retryAfterMs: number;
}

/** See the module's description. Nothing here depends on whether an account exists. */
export class LoginPacing {
  readonly #maxDelayMs: number;
  readonly #now: () => number;
  readonly #accounts: PaceTable;
  readonly #addresses: PaceTable;
  readonly #known: KnownPairs;

  /** What is not given is as in {@linkcode DEFAULT_PACING}. */
  constructor(options: Partial<PacingOptions> = {}) {
    const { account, address, maxDelayMs, maxKeys, now } = { ...DEFAULT_PACING, ...options };
    this.#maxDelayMs = maxDelayMs;
    this.#now = now ?? (() => performance.now());
    this.#accounts = new PaceTable(account, maxKeys);
    this.#addresses = new PaceTable(address, maxKeys);
    this.#known = new KnownPairs(account, maxKeys);
  }

  /** The entries of all tables, at most three times `maxKeys`. */
  get size(): number {
    return this.#accounts.size + this.#addresses.size + this.#known.size;
  }

  /**
   * Charges an attempt. `account` is the typed name folded to lower-case ASCII (whether or not there
   * is such an account), `address` a peer's IP.
   *
   * Within a burst it may go on at once; beyond it, `delayMs` is the wait until the next slot, the
   * later of the account's and the address's. If that wait is above `maxDelayMs`, the attempt is
   * refused and not charged.
   */
  attempt(account: string, address: string): AllowedAttempt | RefusedAttempt {
    const now = this.#now();
    const group = addressGroup(address);
    const known = this.#known.find(account, group);
    const delayMs = known?.wait(now) ??
      Math.max(this.#accounts.find(account).wait(now), this.#addresses.find(group).wait(now));
    if (delayMs > this.#maxDelayMs) {
      return { allowed: false, retryAfterMs: Math.ceil(delayMs - this.#maxDelayMs) };
    }
    const refunds = known === undefined
      ? [this.#accounts.charge(account, now), this.#addresses.charge(group, now)]
      : [known.charge(now)];
    const succeeded = (): void => {
      for (const refund of refunds.splice(0)) refund(this.#now());
      this.#known.remember(account, group);
    };
    return { allowed: true, delayMs, succeeded };
  }
}
