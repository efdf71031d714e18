/**
 * What came in parts, since it is too large for one message (PROTOCOL.md section 12.1).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { PeerError } from "../errors.ts";
import { MAX_STAGED_BYTES } from "../protocol/limits.ts";
import { decodePart } from "../protocol/parts.ts";

/** Bytes that a part counts as at least: what a short one costs in memory is more than its bytes. */
const LEAST_BYTES = 256;

/** The parts that came by now. */
export class PartsReceived {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  /**
   * Takes one.
   *
   * @throws {PeerError} `message-invalid` if it is not in its one form; `message-unexpected` above
   * {@linkcode MAX_STAGED_BYTES}, or with so many small ones that they cost as much.
   */
  add(data: string): void {
    const part = decodePart(data);
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
