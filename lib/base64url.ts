/**
 * Bytes in JSON: base64url without padding (RFC 4648 section 5), in its one form.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import * as v from "valibot";

/** Bytes as text. */
export function encodeBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}

/** The bytes of what {@linkcode encodeBase64url} gives, and of no other text. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  try {
    const bytes = new Uint8Array(Buffer.from(text, "base64url"));
    return encodeBase64url(bytes) === text ? bytes : undefined;
  } catch {
    return undefined; // Deno 2.4 throws where other versions skip what they cannot decode
  }
}

/** The schema of so many bytes as text: what it gives are the bytes. */
export function bytesIn(min: number, max: number = min): v.GenericSchema<string, Uint8Array> {
  const longest = Math.ceil(max * 4 / 3);
  return v.pipe(
    v.string(),
    v.maxLength(longest),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const bytes = decodeBase64url(dataset.value);
      if (bytes !== undefined && bytes.length >= min && bytes.length <= max) return bytes;
      addIssue({ message: `not base64url of ${min} to ${max} bytes` });
      return NEVER;
    }),
  );
}
