/**
 * Bytes that clients have sent for requests to come, in parts (PROTOCOL.md section 12.1): bounded for
 * each connection, and for all of them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { CallerError, PeerError } from "../../errors.ts";
import { MAX_STAGED_BYTES } from "../../protocol/limits.ts";
import { decodePart } from "../../protocol/parts.ts";

/** Bytes as which the smallest part counts: what it costs in memory. */
const LEAST_PART_BYTES = 256;

/** What all connections have staged. */
export class StagingBudget {
  #free: number;

  /** For so many bytes together. */
  constructor(bytes: number) {
    this.#free = bytes;
  }

  /** Takes some bytes; false if there are too many. */
  take(bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    return true;
  }

  /** They are gone. */
  giveBack(bytes: number): void {
    this.#free += bytes;
  }
}

/** What one connection has staged. */
export class Staging {
  readonly #budget: StagingBudget;
  #parts: Uint8Array[] = [];
  /** Bytes that came for the next request, kept or not. */
  #bytes = 0;
  /** Bytes of them that are counted in the budget. */
  #held = 0;
  /** Whether something had to be dropped: the request that it is for is refused. */
  #overflowed = false;

  constructor(budget: StagingBudget) {
    this.#budget = budget;
  }

  /**
   * Takes a part. If there is no room for it, all parts of this request are dropped, and those to
   * come.
   *
   * @throws {PeerError} `message-unexpected` above {@linkcode MAX_STAGED_BYTES}, `message-invalid`.
   */
  add(data: string): void {
    const part = decodePart(data);
    const size = Math.max(part.length, LEAST_PART_BYTES);
    this.#bytes += size;
    if (this.#bytes > MAX_STAGED_BYTES) {
      throw new PeerError("message-unexpected", "Too many bytes for one request");
    }
    if (this.#overflowed) return;
    if (!this.#budget.take(size)) {
      this.#release();
      this.#overflowed = true;
      return;
    }
    this.#held += size;
    this.#parts.push(part);
  }

  /**
   * Gives all of it to a request. It counts as held until {@linkcode Staging.clear}: a request may
   * wait for the database with it.
   *
   * @throws {CallerError} `server-busy` if not all of it could be held.
   */
  take(): Uint8Array {
    if (this.#overflowed) {
      throw new CallerError("server-busy", "The server has too much to hold: try again later");
    }
    const all = Buffer.concat(this.#parts);
    this.#parts = [];
    return all;
  }

  /** The request is done, or the connection: the next part begins anew. */
  clear(): void {
    this.#release();
    this.#bytes = 0;
    this.#overflowed = false;
  }

  #release(): void {
    this.#budget.giveBack(this.#held);
    this.#held = 0;
    this.#parts = [];
  }
}

/**
 * Cuts bytes into pieces of given sizes.
 *
 * @throws {CallerError} `parts-invalid` if that does not come out even.
 */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== bytes.length) throw partsInvalid();
  let at = 0;
  return sizes.map((size) => bytes.subarray(at, at += size));
}

/** The bytes before a request are not those that it is about. */
export function partsInvalid(): CallerError {
  return new CallerError(
    "parts-invalid",
    "The bytes before the request are not those that it needs",
  );
}
