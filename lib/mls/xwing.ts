/**
 * Checks of X-Wing keys (draft-connolly-cfrg-xwing-kem) that the MLS library leaves out. A member
 * who spreads a key that nobody can encrypt to, or that does not belong to its secret, would block
 * or split a group.
 *
 * @module
 */

import { ml_kem768_x25519 as xWing } from "@noble/post-quantum/hybrid.js";
import { sameBytes } from "../same_bytes.ts";
import { invalid, orInvalidNow } from "./faults.ts";

/** Bytes of a public key. */
export const KEM_PUBLIC_KEY_BYTES = 1216;

/**
 * Passes if one can encrypt to the key: its ML-KEM part is in range (FIPS 203 section 7.2), and its
 * X25519 part gives a secret (RFC 7748 section 6.1). Costs an encapsulation, 1 ms.
 *
 * @throws {PeerError} `mls-invalid`.
 */
export function checkPublicKey(key: Uint8Array): void {
  if (key.length !== KEM_PUBLIC_KEY_BYTES) throw invalid("An encryption key has a wrong length");
  orInvalidNow("An encryption key is not valid", () => xWing.encapsulate(key));
}

/**
 * Passes if the public key is the private one's.
 *
 * @param privateKey 32 bytes: X-Wing's decapsulation key is a seed.
 * @throws {PeerError} `mls-invalid`.
 */
export function checkKeyPair(privateKey: Uint8Array, publicKey: Uint8Array): void {
  const own = orInvalidNow("A private key is damaged", () => xWing.keygen(privateKey).publicKey);
  if (!sameBytes(own, publicKey)) throw invalid("A group's keys do not belong together");
}
