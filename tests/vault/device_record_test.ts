/**
 * The blobs `device/N`: whatever is kept comes back and can be used, in one form, within its limits.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createDeviceKeys } from "../../lib/mls/device_keys.ts";
import { createIdentity } from "../../lib/mls/identity.ts";
import { createKeyPackage, type OwnKeyPackage, readKeyPackage } from "../../lib/mls/key_package.ts";
import { MAX_KEY_PACKAGE_BYTES } from "../../lib/protocol/limits.ts";
import { MAX_BLOB_CONTENT_BYTES } from "../../lib/vault/blob.ts";
import {
  decodeDeviceRecord,
  encodeDeviceRecord,
  MAX_PACKAGES_KEPT,
} from "../../lib/vault/device_record.ts";
import { hex } from "../protocol/pipe.ts";
import { assertOneForm, json, refuses } from "./records.ts";

const identity = createIdentity();
const keys = await createDeviceKeys(identity, "Alice", 2);
const packages = [await createKeyPackage(keys), await createKeyPackage(keys)];
const bytes = encodeDeviceRecord({ keys, packages });
const RECORD = JSON.parse(new TextDecoder().decode(bytes));

const codec = { decode: decodeDeviceRecord, encode: encodeDeviceRecord };

Deno.test("keys and packages come back, and the packages are still that device's", async () => {
  const record = decodeDeviceRecord(bytes);
  assert.deepEqual(record.keys, keys);
  assert.deepEqual(record.packages.map(texts), packages.map(texts));
  const { user, device } = await readKeyPackage(record.packages[0]!.public);
  assert.deepEqual([user, device], ["Alice", 2]);
});

function texts(one: OwnKeyPackage): string[] {
  return [hex(one.public), hex(one.private)];
}

Deno.test("a device without packages is one too", () => {
  assert.deepEqual(decodeDeviceRecord(encodeDeviceRecord({ keys, packages: [] })).packages, []);
});

Deno.test("decode succeeding means that encode gives the same bytes", () => {
  assertOneForm(codec, bytes, RECORD);
});

Deno.test("a certificate for another key is refused", async () => {
  const other = encodeDeviceRecord({
    keys: await createDeviceKeys(identity, "Alice", 2),
    packages: [],
  });
  const { seed } = JSON.parse(new TextDecoder().decode(other)).keys;
  decodeDeviceRecord(other);
  refuses(decodeDeviceRecord, json({ ...RECORD, keys: { ...RECORD.keys, seed } }));
});

for (
  const [what, value] of Object.entries({
    "no keys": { packages: [] },
    "no packages": { keys: RECORD.keys },
    "a field more": { ...RECORD, more: 1 },
    "keys with a field more": { ...RECORD, keys: { ...RECORD.keys, more: 1 } },
    "no credential": { ...RECORD, keys: { seed: RECORD.keys.seed } },
    "a credential in another order": {
      ...RECORD,
      keys: { credential: RECORD.keys.credential, seed: RECORD.keys.seed },
    },
    "a seed that is short": { ...RECORD, keys: { ...RECORD.keys, seed: "AAAA" } },
    "an empty package": { ...RECORD, packages: [{ public: "", private: "AA" }] },
    "an empty private part": { ...RECORD, packages: [{ public: "AA", private: "" }] },
  })
) {
  Deno.test(`a device's record with ${what} is refused`, () =>
    refuses(decodeDeviceRecord, json(value)));
}

/** A record's bytes with so many packages of so many bytes. */
function withPackages(count: number, size: number): Uint8Array {
  const public_ = "A".repeat(Math.floor(size / 3) * 4) + ["", "AA", "AAA"][size % 3];
  const one = { public: public_, private: public_ };
  return json({ ...RECORD, packages: Array.from({ length: count }, () => one) });
}

Deno.test("a record holds so many packages of so many bytes, and not one more, and fits into a blob", () => {
  for (const count of [MAX_PACKAGES_KEPT - 1, MAX_PACKAGES_KEPT]) {
    for (const size of [MAX_KEY_PACKAGE_BYTES - 1, MAX_KEY_PACKAGE_BYTES]) {
      const largest = withPackages(count, size);
      assert.equal(decodeDeviceRecord(largest).packages.length, count);
      assert.ok(largest.length <= MAX_BLOB_CONTENT_BYTES, `${largest.length}`);
    }
  }
  refuses(decodeDeviceRecord, withPackages(MAX_PACKAGES_KEPT + 1, 10));
  refuses(decodeDeviceRecord, withPackages(1, MAX_KEY_PACKAGE_BYTES + 1));
});

Deno.test("of too many packages the newest are kept", () => {
  const many = Array.from({ length: MAX_PACKAGES_KEPT + 1 }, (_, at) => ({
    ...{ public: Uint8Array.of(at), private: Uint8Array.of(at) },
  }));
  const kept = decodeDeviceRecord(encodeDeviceRecord({ keys, packages: many })).packages;
  assert.deepEqual(kept, many.slice(1));
});
