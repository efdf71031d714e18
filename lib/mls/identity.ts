/**
 * An account's identity: one Ed25519 key, which certifies the account's devices. People compare it
 * as a safety number.
 *
 * @module
 */

import { createSeed, publicKeyOf } from "./ed25519.ts";

/** An account's key, private part included. */
export interface IdentityKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes: all that has to be kept. */
  readonly seed: Uint8Array;
}

/** A new identity. */
export function createIdentity(): IdentityKey {
  return identityFromSeed(createSeed());
}

/** The identity of a seed that was kept: 32 bytes. */
export function identityFromSeed(seed: Uint8Array): IdentityKey {
  return { publicKey: publicKeyOf(seed), seed: Uint8Array.from(seed) };
}
