/**
 * What is too large for one message travels in parts (PROTOCOL.md section 12.1).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { PeerError } from "../errors.ts";
import { MAX_PART_CHARS, MAX_STAGED_BYTES } from "../protocol/limits.ts";

/** Bytes of a whole part: a multiple of three, so that base64url needs no more. */
const PART_BYTES = MAX_PART_CHARS / 4 * 3;

/** Bytes that a part counts as at least: what a short one costs in memory is more than its bytes. */
const LEAST_BYTES = 256;

/** The parts of some bytes, one behind the other. */
export function splitIntoParts(...bytes: readonly Uint8Array[]): string[] {
  const all = Buffer.concat(bytes);
  const count = Math.ceil(all.length / PART_BYTES);
  return Array.from(
    { length: count },
    (_, at) => all.subarray(at * PART_BYTES, (at + 1) * PART_BYTES).toString("base64url"),
  );
}

/** The parts that came by now. */
export class PartsReceived {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  /**
   * Takes one.
   *
   * @throws {PeerError} `message-unexpected` above {@linkcode MAX_STAGED_BYTES}, or with so many
   * small ones that they cost as much.
   */
  add(data: string): void {
    const part = Buffer.from(data, "base64url");
    this.#size += Math.max(part.length, LEAST_BYTES);
    if (this.#size > MAX_STAGED_BYTES) {
      throw new PeerError("message-unexpected", "The server sent more bytes than there can be");
    }
    this.#parts.push(part);
  }

  /** All of them; the next one begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(Buffer.concat(this.#parts));
    this.#parts.length = 0;
    this.#size = 0;
    return all;
  }
}
