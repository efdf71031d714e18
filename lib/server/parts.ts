/**
 * Bytes that are too large for one message, as the parts that travel (PROTOCOL.md section 12).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { PeerError } from "../errors.ts";
import { MAX_PART_CHARS } from "../protocol/limits.ts";

/** Bytes of a part: what base64url makes the most characters of. */
export const PART_BYTES = MAX_PART_CHARS / 4 * 3;

/** The data of each part of some bytes, in order. */
export function* encodeParts(bytes: Uint8Array): Generator<string, void> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    yield Buffer.from(bytes.subarray(at, at + PART_BYTES)).toString("base64url");
  }
}

/**
 * The bytes in base64url without padding, in its one form (RFC 4648 section 3.5).
 *
 * @throws {PeerError} `message-invalid`.
 */
export function decodePart(data: string): Uint8Array {
  const bytes = Buffer.from(data, "base64url");
  if (bytes.toString("base64url") === data) return bytes;
  throw new PeerError("message-invalid", "Bytes are not in the canonical form of base64url");
}
