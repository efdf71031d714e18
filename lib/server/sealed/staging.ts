/**
 * Bytes that clients have sent for requests to come, in parts (PROTOCOL.md section 12.1): bounded for
 * each connection, and for all of them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { CallerError, PeerError } from "../../errors.ts";
import { MAX_STAGED_BYTES } from "../../protocol/limits.ts";
import { decodePart } from "../parts.ts";

/** Bytes over all connections: sixteen of the largest requests at once. */
const MAX_ALL_BYTES = 64 * 1024 * 1024;

/** What all connections have staged. */
export class StagingBudget {
  readonly #max: number;
  #bytes = 0;

  constructor(max = MAX_ALL_BYTES) {
    this.#max = max;
  }

  /** Takes some bytes; false if there are too many. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#max) return false;
    this.#bytes += bytes;
    return true;
  }

  /** They are gone. */
  giveBack(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** What one connection has staged. */
export class Staging {
  readonly #budget: StagingBudget;
  readonly #parts: Uint8Array[] = [];
  #bytes = 0;
  /** Whether something had to be dropped: the request that it is for is refused. */
  #overflowed = false;

  constructor(budget: StagingBudget) {
    this.#budget = budget;
  }

  /**
   * Takes a part.
   *
   * @throws {PeerError} `message-unexpected` above {@linkcode MAX_STAGED_BYTES}, `message-invalid`.
   */
  add(data: string): void {
    const part = decodePart(data);
    if (this.#bytes + part.length > MAX_STAGED_BYTES) {
      throw new PeerError("message-unexpected", "Too many bytes for one request");
    }
    if (!this.#budget.take(part.length)) {
      this.clear();
      this.#overflowed = true;
      return;
    }
    this.#bytes += part.length;
    this.#parts.push(part);
  }

  /**
   * Gives all of it to a request; the next part begins anew.
   *
   * @throws {CallerError} `server-busy` if not all of it could be held.
   */
  take(): Uint8Array {
    const all = Buffer.concat(this.#parts);
    const isWhole = !this.#overflowed;
    this.clear();
    if (isWhole) return all;
    throw new CallerError("server-busy", "The server has too much to hold: try again later");
  }

  /** Drops all of it. */
  clear(): void {
    this.#budget.giveBack(this.#bytes);
    this.#bytes = 0;
    this.#parts.length = 0;
    this.#overflowed = false;
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
