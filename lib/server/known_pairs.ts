/**
 * From which addresses each account has logged in of late.
 *
 * @module
 */

import { Pace, type PaceOptions } from "./pace.ts";

/**
 * Addresses of one account: home, work, a telephone's last few. One person with many addresses
 * cannot make the server forget everyone else's.
 */
const MAX_ADDRESSES = 16;

/** Pairs of an account and an address, each with a pace of its own, in bounded memory. */
export class KnownPairs {
  readonly #options: PaceOptions;
  readonly #maxPairs: number;
  /** The least recently proven first, both accounts and the addresses of each. */
  readonly #accounts = new Map<string, Map<string, Pace>>();
  #size = 0;

  /** `maxPairs` is at least 1. */
  constructor(options: PaceOptions, maxPairs: number) {
    this.#options = options;
    this.#maxPairs = maxPairs;
  }

  /** The pairs that it holds now. */
  get size(): number {
    return this.#size;
  }

  /** The pace of a pair, if it is known. */
  find(account: string, address: string): Pace | undefined {
    return this.#accounts.get(account)?.get(address);
  }

  /**
   * Makes a pair known, since it has proven the password. Room is made by forgetting the pair that
   * was proven least recently, of this account if it has too many, else of the account that was:
   * such a user is paced like a stranger until the next login succeeds.
   */
  remember(account: string, address: string): void {
    const addresses = this.#accounts.get(account) ?? new Map<string, Pace>();
    const pace = addresses.get(address);
    if (pace === undefined) this.#size++;
    moveToEnd(addresses, address, pace ?? new Pace(this.#options));
    moveToEnd(this.#accounts, account, addresses);
    if (addresses.size > MAX_ADDRESSES) this.#forgetOneOf(account);
    const [stalest] = this.#accounts.keys();
    if (this.#size > this.#maxPairs) this.#forgetOneOf(stalest as string);
  }

  #forgetOneOf(account: string): void {
    const addresses = this.#accounts.get(account) as Map<string, Pace>;
    const [stalest] = addresses.keys();
    addresses.delete(stalest as string);
    this.#size--;
    if (addresses.size === 0) this.#accounts.delete(account);
  }
}

function moveToEnd<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
}
