/**
 * Bytes that are too large for one message, as the parts that travel (PROTOCOL.md section 12.1).
 *
 * @module
 */

import { decodeBase64url, encodeBase64url } from "../base64url.ts";
import { PeerError } from "../errors.ts";
import { MAX_PART_CHARS } from "./limits.ts";

/** Bytes of a part: what base64url makes the most characters of. */
export const PART_BYTES = MAX_PART_CHARS / 4 * 3;

/** The data of each part of some bytes, in order. */
export function* encodeParts(bytes: Uint8Array): Generator<string, void> {
  for (let at = 0; at < bytes.length; at += PART_BYTES) {
    yield encodeBase64url(bytes.subarray(at, at + PART_BYTES));
  }
}

/**
 * The bytes of a part, in the one form that {@linkcode encodeParts} gives them.
 *
 * @throws {PeerError} `message-invalid`.
 */
export function decodePart(data: string): Uint8Array {
  const bytes = decodeBase64url(data);
  if (bytes !== undefined) return bytes;
  throw new PeerError("message-invalid", "Bytes are not in the canonical form of base64url");
}
