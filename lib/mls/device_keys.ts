/**
 * A device's keys: what it signs with, in all of its groups, and its account's word for it.
 *
 * @module
 */

import * as v from "valibot";
import { decodeBase64url, encodeBase64url } from "../base64url.ts";
import { sameBytes } from "../same_bytes.ts";
import { certifyDevice, type Credential, type DeviceId, verifyCredential } from "./credential.ts";
import { createSeed, publicKeyOf, SEED_BYTES } from "./ed25519.ts";
import { invalid } from "./faults.ts";
import type { IdentityKey } from "./identity.ts";

/** A device with its private key. */
export interface DeviceKeys extends DeviceId {
  /** Ed25519 private key (RFC 8032): 32 bytes. */
  readonly signatureSeed: Uint8Array;
  /** Its public key: 32 bytes. */
  readonly signatureKey: Uint8Array;
  /** The account's signature over that key, and whose device it is. */
  readonly credential: Credential;
}

/** Device keys as JSON: 32 bytes and a credential, both base64url. */
export interface DeviceKeysRecord {
  readonly seed: string;
  readonly credential: string;
}

const schema = v.strictObject({ seed: v.string(), credential: v.string() });

/** New keys for an account's device of this number: 1 to 99. */
export function createDeviceKeys(
  identity: IdentityKey,
  user: string,
  device: number,
): Promise<DeviceKeys> {
  const signatureSeed = createSeed();
  const signatureKey = publicKeyOf(signatureSeed);
  const credential = certifyDevice(identity, user, device, signatureKey);
  const { publicKey } = identity;
  return Promise.resolve({
    ...{ user, device, identity: publicKey },
    ...{ signatureSeed, signatureKey, credential },
  });
}

/** Keys in the form that is kept. It holds the private key. */
export function encodeDeviceKeys(keys: DeviceKeys): DeviceKeysRecord {
  return {
    seed: encodeBase64url(keys.signatureSeed),
    credential: encodeBase64url(keys.credential),
  };
}

/**
 * Keys that were kept.
 *
 * @throws {PeerError} `mls-invalid` if the value is not of that form, or its parts do not fit.
 */
export function decodeDeviceKeys(value: unknown): DeviceKeys {
  const record = v.safeParse(schema, value);
  const signatureSeed = record.success ? decodeBase64url(record.output.seed) : undefined;
  const credential = record.success ? decodeBase64url(record.output.credential) : undefined;
  if (signatureSeed?.length !== SEED_BYTES || credential === undefined) {
    throw invalid("A device's keys are damaged");
  }
  const signatureKey = publicKeyOf(signatureSeed);
  const id = verifyCredential(credential, signatureKey);
  return { ...id, signatureSeed, signatureKey, credential };
}

/** Whether a leaf's signature key is this device's. */
export function ownsKey(keys: DeviceKeys, signatureKey: Uint8Array): boolean {
  return sameBytes(keys.signatureKey, signatureKey);
}
