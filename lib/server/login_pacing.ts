/**
 * Who may try a login now. Guessing passwords online is slowed per account and per address, and
 * the slowing cannot be turned against a user at an address where that user has logged in before.
 *
 * In OPAQUE a guesser learns from the server's first answer whether the password was right
 * (RFC 9807 section 6.3), so every attempt is charged before it is answered, and given back once it
 * has proven the password.
 *
 * An account, an address and the pair of both have each a {@link Pace}; an attempt takes the next slot
 * of all three. The pair's is so slow that one or two addresses cannot take all of an account's
 * slots: a user who comes from a new address finds one soon. And a pair that has logged in is
 * *known*: it has a pace of its own instead of the three, so that neither a flood on the account from
 * elsewhere nor a neighbour behind the same NAT who guesses at other accounts keeps that user out.
 *
 * What this does not solve, by default: three addresses (or /64s of one larger block) can take every
 * slot of an account. If they try many times a second, a user at a new address gets in by luck, after
 * minutes or not at all, for as long as they go on; if they try less often than every second, mostly
 * within the minute. More addresses win no more guesses, since the account's pace bounds them all
 * together. Users at known addresses notice nothing of it; but pairs are known in memory only, so that
 * after a restart every address is new.
 *
 * Who shares a known address with the user can use up that pair's pace, and can tell from the pair's
 * pace that the account has logged in from there.
 *
 * @module
 */

import { addressGroup } from "./address_group.ts";
import { KnownPairs } from "./known_pairs.ts";
import type { Pace, PaceOptions } from "./pace.ts";
import { PaceTable } from "./pace_table.ts";

/** How logins are paced. */
export interface PacingOptions {
  /** For each account, whether it exists or not, and for each known pair. */
  account: PaceOptions;
  /** For each address group (see {@link addressGroup}). */
  address: PaceOptions;
  /** For each pair of an account and an address group that is not known. */
  pair: PaceOptions;
  /** Milliseconds that an attempt may wait for its slot; it is refused rather than wait longer. */
  maxDelayMs: number;
  /** Entries of each table: accounts, addresses, known pairs, other pairs. */
  maxKeys: number;
  /** The clock, in milliseconds, which never goes back; `performance.now` by default. */
  now?: () => number;
}

/**
 * An account takes 10 attempts at once, more than the typing errors of a morning, and 8,640 a day
 * from then on: four months for a million likely passwords. An address takes 60 at once, a class
 * behind one NAT. A pair takes half of the account's burst, as many as a connection may fail, and a
 * third of its slots from then on. Nobody waits longer than a person would before trying again. An
 * entry takes some 300 bytes, the longest names included: all tables together 12 MiB.
 */
export const DEFAULT_PACING: PacingOptions = {
  account: { burst: 10, intervalMs: 10_000 },
  address: { burst: 60, intervalMs: 2_000 },
  pair: { burst: 5, intervalMs: 30_000 },
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

/** See the module's description. It never learns whether an account exists, only which have logged in. */
export class LoginPacing {
  readonly #maxDelayMs: number;
  readonly #now: () => number;
  readonly #accounts: PaceTable;
  readonly #addresses: PaceTable;
  readonly #known: KnownPairs;
  readonly #others: PaceTable;

  /** What is not given is as in {@linkcode DEFAULT_PACING}. */
  constructor(options: Partial<PacingOptions> = {}) {
    const { account, address, pair, maxDelayMs, maxKeys, now } = { ...DEFAULT_PACING, ...options };
    this.#maxDelayMs = maxDelayMs;
    this.#now = now ?? (() => performance.now());
    this.#accounts = new PaceTable(account, maxKeys);
    this.#addresses = new PaceTable(address, maxKeys);
    this.#known = new KnownPairs(account, maxKeys);
    this.#others = new PaceTable(pair, maxKeys);
  }

  /** The entries of all tables, at most four times `maxKeys`. */
  get size(): number {
    return this.#accounts.size + this.#addresses.size + this.#known.size + this.#others.size;
  }

  /**
   * Charges an attempt. `account` is the typed name folded to lower-case ASCII (whether or not there
   * is such an account), `address` a peer's IP. Without an account, for a secret that nobody guesses,
   * the address alone is charged: a class may use one invite at the same moment.
   *
   * Within a burst it may go on at once; beyond it, `delayMs` is the wait until the next slot, the
   * latest of the account's, the address's and the pair's. If that wait is above `maxDelayMs`, the
   * attempt is refused and not charged.
   */
  attempt(account: string | undefined, address: string): AllowedAttempt | RefusedAttempt {
    const now = this.#now();
    const group = addressGroup(address);
    const charged = this.#chargedFor(account, group);
    const delayMs = Math.max(...charged.map((one) => one.wait(now)));
    if (delayMs > this.#maxDelayMs) {
      return { allowed: false, retryAfterMs: Math.ceil(delayMs - this.#maxDelayMs) };
    }
    const refunds = charged.map((one) => one.charge(now));
    const succeeded = (): void => {
      for (const refund of refunds.splice(0)) refund(this.#now());
      if (account !== undefined) this.#known.remember(account, group);
    };
    return { allowed: true, delayMs, succeeded };
  }

  /** The paces that an attempt takes a slot of. */
  #chargedFor(account: string | undefined, group: string): Chargeable[] {
    if (account === undefined) return [held(this.#addresses, group)];
    const known = this.#known.find(account, group);
    if (known !== undefined) return [known];
    return [
      held(this.#accounts, account),
      held(this.#addresses, group),
      held(this.#others, `${group} ${account}`), // there is no space in an address
    ];
  }
}

/** A pace, as far as an attempt needs it. */
type Chargeable = Pick<Pace, "wait" | "charge">;

/** A key's pace, which its table holds once it was charged. */
function held(table: PaceTable, key: string): Chargeable {
  return {
    wait: (now) => table.find(key).wait(now),
    charge: (now) => table.charge(key, now),
  };
}
