/**
 * The key of an account's vault. It is drawn at random once; the server keeps it wrapped under a key
 * that comes from the password by OPAQUE's export key (RFC 9807 section 10.4), which no server has.
 * So a new password moves the wrap, and no other blob.
 *
 * @module
 */

import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { BugError } from "../errors.ts";
import { foldName } from "../folded_name.ts";
import { invalid, open, type Purpose, seal, SECRET_BYTES, unsafeSealWithSalt } from "./seal.ts";

/** Bytes of a vault's key. */
export const VAULT_KEY_BYTES = SECRET_BYTES;

/** Bytes of OPAQUE's export key: SHA-512's output. */
export const EXPORT_KEY_BYTES = 64;

/** Bound into the keys, so that they can equal no key that is made for anything else. */
const WRAPPING_LABEL = new TextEncoder().encode("fernchat vault key-encryption key v1");
const WRAP_LABEL = "fernchat vault wrap v1";

/** A new vault's key. */
export function createVaultKey(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(VAULT_KEY_BYTES));
}

/**
 * The vault's key for the server to keep: 80 bytes, the blob `wrap`.
 *
 * @param exportKey of a login or a registration with the password that shall open it.
 */
export function wrapVaultKey(
  vaultKey: Uint8Array,
  exportKey: Uint8Array,
  user: string,
): Uint8Array {
  checkVaultKey(vaultKey);
  return seal(wrappingKey(exportKey), purposeOf(user), vaultKey);
}

/** The same with a given salt, for known answers only. */
export function unsafeWrapWithSalt(
  vaultKey: Uint8Array,
  exportKey: Uint8Array,
  user: string,
  salt: Uint8Array,
): Uint8Array {
  checkVaultKey(vaultKey);
  return unsafeSealWithSalt(wrappingKey(exportKey), purposeOf(user), vaultKey, salt);
}

/**
 * The vault's key again.
 *
 * @throws {PeerError} `vault-invalid` if the wrap is not this account's, or was made with another
 * password: an operator who resets one cannot move the wrap.
 */
export function unwrapVaultKey(wrap: Uint8Array, exportKey: Uint8Array, user: string): Uint8Array {
  const vaultKey = open(wrappingKey(exportKey), purposeOf(user), wrap);
  if (vaultKey.length !== VAULT_KEY_BYTES) throw invalid("its key is of another length");
  return vaultKey;
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

function checkVaultKey(vaultKey: Uint8Array): void {
  if (vaultKey.length === VAULT_KEY_BYTES) return;
  throw new BugError(`Cannot wrap a vault's key of ${vaultKey.length} bytes`);
}
