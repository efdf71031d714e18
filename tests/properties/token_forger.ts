/**
 * Fernet tokens that no honest key makes, authentic all the same: any version, time and ciphertext.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createCipheriv, createHmac } from "node:crypto";
import type { FernetKey } from "../../lib/fernet.ts";

/** What goes into a token; the plaintext is whole blocks of 16, as it is without any padding. */
export interface TokenParts {
  version: number;
  seconds: bigint;
  blocks: Uint8Array;
}

/** A token of these parts, with a right HMAC; its IV is zeros. */
export function forgeToken(key: FernetKey, { version, seconds, blocks }: TokenParts): string {
  const secret = Buffer.from(key.toString(), "base64url");
  const cipher = createCipheriv("aes-128-cbc", secret.subarray(16), Buffer.alloc(16));
  const ciphertext = cipher.setAutoPadding(false).update(blocks);
  cipher.final();
  const body = Buffer.concat([Buffer.alloc(25), ciphertext]);
  body[0] = version;
  body.writeBigUInt64BE(seconds, 1);
  const mac = createHmac("sha256", secret.subarray(0, 16)).update(body).digest();
  return encodeToken(Buffer.concat([body, mac]));
}

/** Bytes as a token's text: padded base64url. */
export function encodeToken(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** A token's bytes. */
export function decodeToken(token: string): Uint8Array {
  return Buffer.from(token, "base64url");
}
