/**
 * How everything of a vault is encrypted: AEAD_CHACHA20_POLY1305 (RFC 8439) with a key that is made
 * for this one encryption, from a secret of 32 bytes and a random salt (RFC 5869 section 2.3).
 *
 *     salt (32 bytes) ‖ ciphertext ‖ tag (16 bytes)
 *
 * @module
 */

import { expand } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { Buffer } from "node:buffer";
import { BugError, PeerError } from "../errors.ts";
import { encodeFrames } from "../framing.ts";
import {
  type Aead,
  AEAD_KEY_BYTES,
  AEAD_NONCE_BYTES,
  AEAD_TAG_BYTES,
  createAead,
} from "../protocol/aead.ts";

/** Bytes of a secret that keys are made from: SHA-256's output, as RFC 5869 section 2.3 wants. */
export const SECRET_BYTES = 32;

/** Bytes of a salt: two of them are never the same, so that no key is used twice. */
export const SALT_BYTES = 32;

/** Bytes by which what is sealed is longer. */
export const SEAL_OVERHEAD_BYTES = SALT_BYTES + AEAD_TAG_BYTES;

/** Each key encrypts once: its nonce need not be chosen. */
const NONCE = new Uint8Array(AEAD_NONCE_BYTES);

/** What something sealed is, and for whom: it opens as that alone. */
export interface Purpose {
  /** Bound into the key: a label that nothing else has, then names. */
  key: readonly string[];
  /** Bound as additional data. */
  additional: readonly string[];
}

/** Encrypts bytes, with a salt from the system's randomness. */
export function seal(secret: Uint8Array, purpose: Purpose, bytes: Uint8Array): Uint8Array {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  return unsafeSealWithSalt(secret, purpose, bytes, salt);
}

/** The same with a given salt, for known answers only: a salt that comes twice gives all away. */
export function unsafeSealWithSalt(
  secret: Uint8Array,
  purpose: Purpose,
  bytes: Uint8Array,
  salt: Uint8Array,
): Uint8Array {
  if (salt.length !== SALT_BYTES) {
    throw new BugError(`Cannot seal with ${salt.length} bytes of salt`);
  }
  const sealed = cipher(secret, purpose, salt).seal(NONCE, bytes, frames(purpose.additional));
  return Buffer.concat([salt, sealed]);
}

/**
 * Decrypts what {@linkcode seal} made with the same secret for the same purpose.
 *
 * @throws {PeerError} `vault-invalid` for anything else.
 */
export function open(secret: Uint8Array, purpose: Purpose, sealed: Uint8Array): Uint8Array {
  const salt = sealed.subarray(0, SALT_BYTES);
  if (sealed.length < SEAL_OVERHEAD_BYTES) throw invalid("it is too short");
  const aead = cipher(secret, purpose, salt);
  try {
    return aead.open(NONCE, sealed.subarray(SALT_BYTES), frames(purpose.additional));
  } catch (cause) {
    throw invalid("it is not what was put there", cause);
  }
}

/** The error about whatever is in a vault and cannot be. */
export function invalid(reason: string, cause?: unknown): PeerError {
  return new PeerError("vault-invalid", `Cannot read from the vault: ${reason}`, { cause });
}

function cipher(secret: Uint8Array, purpose: Purpose, salt: Uint8Array): Aead {
  if (secret.length !== SECRET_BYTES) {
    throw new BugError(`Cannot use a secret of ${secret.length} bytes`);
  }
  const info = Buffer.concat([frames(purpose.key), salt]);
  return createAead(expand(sha256, secret, info, AEAD_KEY_BYTES));
}

/** Each text with its length before it, so that no two lists of texts give the same bytes. */
function frames(texts: readonly string[]): Uint8Array {
  return encodeFrames(texts.map((text) => new TextEncoder().encode(text)));
}
