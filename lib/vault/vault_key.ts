/**
 * The keys of an account's vault: random ones, which the server keeps wrapped under a key that comes
 * from the password by OPAQUE's export key (RFC 9807 section 10.4), which no server has. A new
 * password brings a new key: what is saved from then on, the password before opens no more. The keys
 * before stay beside it, for what was saved under them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { BugError } from "../errors.ts";
import { foldName } from "../folded_name.ts";
import { invalid, open, type Purpose, seal, SECRET_BYTES, unsafeSealWithSalt } from "./seal.ts";

/** Bytes of a vault's key. */
export const VAULT_KEY_BYTES = SECRET_BYTES;

/** The most keys that a vault has: with so many, a new password brings none. */
export const MAX_VAULT_KEYS = 32;

/** Bytes of OPAQUE's export key: SHA-512's output. */
export const EXPORT_KEY_BYTES = 64;

/** Bound into the keys, so that they can equal no key that is made for anything else. */
const WRAPPING_LABEL = new TextEncoder().encode("fernchat vault key-encryption key v1");
const WRAP_LABEL = "fernchat vault wrap v1";

/** A new vault's key. */
export function createVaultKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(VAULT_KEY_BYTES));
}

/** The ring of keys with a new one before the others; the same ring if it has the most already. */
export function renewRing(ring: Uint8Array): Uint8Array {
  if (ring.length >= MAX_VAULT_KEYS * VAULT_KEY_BYTES) return ring;
  return Buffer.concat([createVaultKey(), ring]);
}

/** The keys of a ring, the newest first: that one seals. */
export function keysOf(ring: Uint8Array): [Uint8Array, ...Uint8Array[]] {
  const keys: Uint8Array[] = [];
  for (let at = 0; at < ring.length; at += VAULT_KEY_BYTES) {
    keys.push(ring.subarray(at, at + VAULT_KEY_BYTES));
  }
  return keys as [Uint8Array, ...Uint8Array[]];
}

/**
 * A ring of keys for the server to keep, the blob `wrap`: 48 bytes longer than the keys.
 *
 * @param ring 1 to {@linkcode MAX_VAULT_KEYS} keys, one behind the other, the newest first.
 * @param exportKey of a login or a registration with the password that shall open it.
 */
export function wrapVaultRing(
  ring: Uint8Array,
  exportKey: Uint8Array,
  user: string,
): Uint8Array {
  checkRing(ring);
  return seal(wrappingKey(exportKey), purposeOf(user), ring);
}

/** The same with a given salt, for known answers only. */
export function unsafeWrapWithSalt(
  ring: Uint8Array,
  exportKey: Uint8Array,
  user: string,
  salt: Uint8Array,
): Uint8Array {
  checkRing(ring);
  return unsafeSealWithSalt(wrappingKey(exportKey), purposeOf(user), ring, salt);
}

/**
 * The ring of keys again.
 *
 * @throws {PeerError} `vault-invalid` if the wrap is not this account's, or was made with another
 * password: an operator who resets one cannot move the wrap.
 */
export function unwrapVaultRing(wrap: Uint8Array, exportKey: Uint8Array, user: string): Uint8Array {
  const ring = open(wrappingKey(exportKey), purposeOf(user), wrap);
  if (!isRing(ring)) throw invalid("its key is of another length");
  return ring;
}

/** RFC 5869, with no salt: the export key is as good as random already. */
function wrappingKey(exportKey: Uint8Array): Uint8Array {
  if (exportKey.length !== EXPORT_KEY_BYTES) {
    throw new BugError(`Cannot use an export key of ${exportKey.length} bytes`);
  }
  return hkdf(sha256, exportKey, undefined, WRAPPING_LABEL, SECRET_BYTES);
}

function purposeOf(user: string): Purpose {
  const name = foldName(user);
  return { key: [WRAP_LABEL, name], additional: [name] };
}

function isRing({ length }: Uint8Array): boolean {
  const count = length / VAULT_KEY_BYTES;
  return Number.isInteger(count) && count >= 1 && count <= MAX_VAULT_KEYS;
}

function checkRing(ring: Uint8Array): void {
  if (!isRing(ring)) throw new BugError(`Cannot wrap a vault's key of ${ring.length} bytes`);
}
