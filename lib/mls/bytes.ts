/**
 * Bytes as values: compared, and written as text.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Whether two values are the same bytes. For public values: the time tells where they differ. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Base64url without padding (RFC 4648 section 5). */
export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/** Bytes of the one base64url text that {@linkcode toBase64url} makes of them, else `undefined`. */
export function fromBase64url(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Buffer.from(text, "base64url"));
  return toBase64url(bytes) === text ? bytes : undefined;
}
