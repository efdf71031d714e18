/**
 * Which connections the server holds: so many in total, of one address, and before a login. A flood
 * from one address displaces itself, so that a stranger from elsewhere still has time to log in, and
 * a neighbour behind the same NAT as long as the flood takes to come with a whole address's worth of
 * connections. It knows no sockets.
 *
 * @module
 */

/** How many connections there may be at a time, each at least 1. */
export interface AdmissionOptions {
  /** In total. */
  maxConnections: number;
  /** Of one address. */
  maxPerAddress: number;
  /** Before they have logged in. */
  maxUnauthenticated: number;
}

/** A connection's place. Without it, both do nothing: after `leave()`, or when it was evicted. */
export interface Admitted {
  /** It has logged in: it no longer counts as unauthenticated, and is never evicted. */
  authenticated(): void;
  /** It is gone. Safe to call again. */
  leave(): void;
}

interface Place {
  readonly address: string;
  /** The how-manieth connection it is since the start. */
  readonly arrival: number;
  readonly evict: () => void;
}

/** An address whose oldest unauthenticated connection may have to go. */
interface Candidate {
  oldest: Place;
  /** The address's unauthenticated connections. */
  count: number;
  /** Whether it is the newcomer's address. */
  own: boolean;
}

/** See the module's description. All operations are O(1), save where they say otherwise. */
export class Admission {
  readonly #options: AdmissionOptions;
  /** All places taken. */
  readonly #places = new Set<Place>();
  /** How many of them each address has. */
  readonly #counts = new Map<string, number>();
  /** Those before a login, by address, the oldest first. */
  readonly #strangers = new Map<string, Set<Place>>();
  #unauthenticated = 0;
  #arrivals = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** The places taken. */
  get size(): number {
    return this.#places.size;
  }

  /** Those of them that have not logged in. */
  get unauthenticated(): number {
    return this.#unauthenticated;
  }

  /**
   * Takes a place for a connection from `address` (grouped by the caller), or says why there is
   * none: `address-full` if all that the address may have have logged in, `server-full` if every
   * place is taken by someone who has.
   *
   * If the address has all it may have, it evicts that address's oldest unauthenticated connection.
   * Otherwise, if the places are taken, or those for strangers are, it evicts the oldest
   * unauthenticated connection of the address that has most of them. That costs O(addresses with
   * unauthenticated connections), at most `maxUnauthenticated` steps.
   *
   * @param evict Ends the connection, when its place is needed for another: the place is free by
   * then. Must not throw.
   */
  admit(
    address: string,
    evict: () => void,
  ): Admitted | { refused: "server-full" | "address-full" } {
    const full = this.#whatIsFull(address);
    const displaced = full && this.#mostDispensable(address, full);
    if (full !== undefined && displaced === undefined) return { refused: full };
    if (displaced !== undefined) this.#remove(displaced);
    const place = { address, arrival: this.#arrivals++, evict };
    this.#add(place);
    displaced?.evict(); // last, so that what it does finds the counts right
    return {
      authenticated: () => this.#forgetStranger(place),
      leave: () => this.#remove(place),
    };
  }

  /** What has no place left for a newcomer: its address, which comes first, or the server. */
  #whatIsFull(address: string): "server-full" | "address-full" | undefined {
    const { maxConnections, maxPerAddress, maxUnauthenticated } = this.#options;
    if ((this.#counts.get(address) ?? 0) >= maxPerAddress) return "address-full";
    const full = this.size >= maxConnections || this.#unauthenticated >= maxUnauthenticated;
    return full ? "server-full" : undefined;
  }

  #mostDispensable(newcomer: string, full: "server-full" | "address-full"): Place | undefined {
    // One of its own makes room in all respects, so that nobody else need go.
    if (full === "address-full") return this.#strangers.get(newcomer)?.values().next().value;
    let chosen: Candidate | undefined;
    for (const [address, places] of this.#strangers) {
      const oldest = places.values().next().value as Place;
      const candidate = { oldest, count: places.size, own: address === newcomer };
      if (chosen === undefined || isWorse(candidate, chosen)) chosen = candidate;
    }
    return chosen?.oldest;
  }

  #add(place: Place): void {
    const { address } = place;
    this.#places.add(place);
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
    const strangers = this.#strangers.get(address) ?? new Set();
    this.#strangers.set(address, strangers.add(place));
    this.#unauthenticated++;
  }

  #remove(place: Place): void {
    if (!this.#places.delete(place)) return;
    const { address } = place;
    const left = (this.#counts.get(address) as number) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
    this.#forgetStranger(place);
  }

  /** Takes a place out of those before a login, if it is one. */
  #forgetStranger(place: Place): void {
    const strangers = this.#strangers.get(place.address);
    if (strangers?.delete(place) !== true) return;
    this.#unauthenticated--;
    if (strangers.size === 0) this.#strangers.delete(place.address);
  }
}

/**
 * Whether an address is to lose a connection rather than another: the one with more of them. Among
 * equals, the newcomer's own comes first, then the one whose oldest has been here longer.
 */
function isWorse(one: Candidate, other: Candidate): boolean {
  if (one.count !== other.count) return one.count > other.count;
  if (one.own !== other.own) return one.own;
  return one.oldest.arrival < other.oldest.arrival;
}
