/**
 * The blobs `device/N`: a device's keys, and the key packages of its that somebody may have used.
 *
 * @module
 */

import * as v from "valibot";
import { bytesIn, encodeBase64url } from "../base64url.ts";
import { decodeDeviceKeys, type DeviceKeys, encodeDeviceKeys } from "../mls/device_keys.ts";
import type { OwnKeyPackage } from "../mls/key_package.ts";
import { MAX_KEY_PACKAGE_BYTES, MAX_KEY_PACKAGES } from "../protocol/limits.ts";
import { checkForm, decodeJson, encodeJson } from "./canonical_json.ts";
import { invalid } from "./seal.ts";

/** Key packages that are kept: those that are published, and three times as many of before. */
export const MAX_PACKAGES_KEPT = 4 * MAX_KEY_PACKAGES;

/** See the module's description. */
export interface DeviceRecord {
  keys: DeviceKeys;
  /** The newest last. A used one is to be removed: what it decrypted can be decrypted while it is here. */
  packages: readonly OwnKeyPackage[];
}

const packageBytes = bytesIn(1, MAX_KEY_PACKAGE_BYTES);

const schema = v.strictObject({
  keys: v.strictObject({ seed: v.string(), credential: v.string() }),
  packages: v.pipe(
    v.array(v.strictObject({ public: packageBytes, private: packageBytes })),
    v.maxLength(MAX_PACKAGES_KEPT),
  ),
});

/** The record as bytes. Beyond {@linkcode MAX_PACKAGES_KEPT}, the oldest packages are left out. */
export function encodeDeviceRecord({ keys, packages }: DeviceRecord): Uint8Array {
  const { seed, credential } = encodeDeviceKeys(keys);
  const kept = packages.slice(-MAX_PACKAGES_KEPT);
  return encodeJson({ keys: { seed, credential }, packages: kept.map(packageText) });
}

/**
 * The record again. That the device is one of this account's identity is for the caller to check.
 *
 * @throws {PeerError} `vault-invalid` for whatever {@linkcode encodeDeviceRecord} does not give.
 */
export function decodeDeviceRecord(bytes: Uint8Array): DeviceRecord {
  const { keys, packages } = decodeJson(schema, bytes);
  const record = { keys: readKeys(keys), packages };
  checkForm(bytes, encodeDeviceRecord(record));
  return record;
}

function readKeys(record: unknown): DeviceKeys {
  try {
    return decodeDeviceKeys(record);
  } catch (cause) {
    throw invalid("a device's keys do not fit", cause);
  }
}

function packageText(one: OwnKeyPackage): object {
  return { public: encodeBase64url(one.public), private: encodeBase64url(one.private) };
}
