/**
 * Credentials: a device is who its account's key says, and no one else. Device keys come back from
 * the form in which they are kept.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { certifyDevice, decodeCredential, verifyCredential } from "../../lib/mls/credential.ts";
import { createDeviceKeys, decodeDeviceKeys, encodeDeviceKeys } from "../../lib/mls/device_keys.ts";
import { createIdentity } from "../../lib/mls/identity.ts";
import { encodeFrames } from "../../lib/framing.ts";
import { assertFails } from "./people.ts";

const identity = createIdentity();
const keys = await createDeviceKeys(identity, "Alice", 3);

Deno.test("a credential tells whose device it is, and verifies for its key", () => {
  const id = { user: "Alice", device: 3, identity: identity.publicKey };
  assert.deepEqual(decodeCredential(keys.credential), id);
  assert.deepEqual(verifyCredential(keys.credential, keys.signatureKey), id);
});

Deno.test("a credential is for no other device's key", async () => {
  const other = await createDeviceKeys(identity, "Alice", 4);
  await assertFails("mls-invalid", () => verifyCredential(keys.credential, other.signatureKey));
});

Deno.test("a credential whose name, number or identity was swapped does not verify", async () => {
  const parts = (user: string, device: string, key: Uint8Array): Uint8Array => {
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    const signature = keys.credential.slice(-64);
    return encodeFrames([text("fernchat device v1"), text(user), text(device), key, signature]);
  };
  const { signatureKey } = keys;
  verifyCredential(parts("Alice", "3", identity.publicKey), signatureKey);
  for (
    const forged of [
      parts("Mallory", "3", identity.publicKey),
      parts("Alice", "4", identity.publicKey),
      parts("Alice", "3", createIdentity().publicKey),
    ]
  ) {
    await assertFails("mls-invalid", () => verifyCredential(forged, signatureKey));
  }
});

Deno.test("a credential with names or numbers that cannot be is refused", async () => {
  for (const [user, device] of [["", 1], ["a b", 1], ["x".repeat(33), 1], ["é", 1], ["a", 0]]) {
    const credential = certifyDevice(identity, String(user), Number(device), keys.signatureKey);
    await assertFails("mls-invalid", () => decodeCredential(credential));
  }
});

Deno.test("random and altered bytes as a credential give a typed error", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await assertFails("mls-invalid", () => decodeCredential(bytes));
    }),
    { numRuns: 200 },
  );
  for (let at = 0; at < keys.credential.length; at++) {
    const altered = keys.credential.with(at, keys.credential[at]! ^ 0x80);
    await assertFails("mls-invalid", () => verifyCredential(altered, keys.signatureKey));
  }
});

Deno.test("device keys come back from the form in which they are kept", () => {
  const json = JSON.stringify(encodeDeviceKeys(keys));
  assert.deepEqual(decodeDeviceKeys(JSON.parse(json)), keys);
});

Deno.test("device keys that are damaged, or of two devices, are refused", async () => {
  const record = encodeDeviceKeys(keys);
  const other = encodeDeviceKeys(await createDeviceKeys(identity, "Alice", 4));
  for (
    const value of [
      ...[undefined, null, 7, "x", {}, { seed: record.seed }],
      ...[{ ...record, seed: other.seed }, { ...record, more: 1 }],
      ...[{ ...record, seed: `${record.seed}A` }, { ...record, credential: "" }],
    ]
  ) {
    await assertFails("mls-invalid", () => decodeDeviceKeys(value));
  }
});
