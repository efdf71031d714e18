/**
 * Ed25519 (RFC 8032 section 5.1), synchronous: keys are the RFC's own 32 bytes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign as signWith,
  verify as verifyWith,
} from "node:crypto";
import { BugError } from "../errors.ts";

/** Bytes of a seed: RFC 8032 calls it the private key. */
export const SEED_BYTES = 32;
/** Bytes of a public key. */
export const PUBLIC_KEY_BYTES = 32;
/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;

/** What comes before a seed in PKCS #8, and before a public key in SPKI (RFC 8410). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/** A new seed: 32 random bytes. */
export function createSeed(): Uint8Array {
  return new Uint8Array(randomBytes(SEED_BYTES));
}

/** The public key of a seed. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateKey(seed)).export({ format: "der", type: "spki" });
  return new Uint8Array(spki.subarray(SPKI_PREFIX.length));
}

/** Signs a message: 64 bytes. */
export function sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(signWith(null, message, privateKey(seed)));
}

/** Whether a signature is right; false for a key or a signature that cannot be one. */
export function verify(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  const der = Buffer.concat([SPKI_PREFIX, publicKey]);
  try {
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    return verifyWith(null, message, key, signature);
  } catch {
    return false; // not a point of the curve
  }
}

function privateKey(seed: Uint8Array): KeyObject {
  if (seed.length !== SEED_BYTES) throw new BugError(`An Ed25519 seed of ${seed.length} bytes`);
  const key = Buffer.concat([PKCS8_PREFIX, seed]);
  return createPrivateKey({ key, format: "der", type: "pkcs8" });
}
