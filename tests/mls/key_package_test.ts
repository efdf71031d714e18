/**
 * Key packages: what is accepted is genuine, in time, and of an account's own device.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { certifyDevice } from "../../lib/mls/credential.ts";
import { encodeFrames } from "../../lib/framing.ts";
import { createIdentity } from "../../lib/mls/identity.ts";
import { createKeyPackage, readKeyPackage } from "../../lib/mls/key_package.ts";
import { assertDamageRefused } from "./damage.ts";
import { oddKeyPackage, published } from "./insider.ts";
import { assertFails, device } from "./people.ts";

const alice = await device("Alice", 2);

Deno.test("a key package tells whose device it is of, and each is another", async () => {
  const { bytes, ...owner } = await readKeyPackage(alice.own.public);
  const { user, device, identity, signatureKey } = alice.keys;
  assert.deepEqual(owner, { user, device, identity, signatureKey });
  assert.deepEqual(bytes, alice.own.public);
  assert.notDeepEqual((await createKeyPackage(alice.keys)).public, alice.own.public);
});

Deno.test("a key package says nothing of its private part", () => {
  const text = alice.own.public.join();
  for (const secret of [alice.own.private.subarray(4, 36), alice.own.private.subarray(40)]) {
    assert.ok(!text.includes(secret.join()));
  }
  assert.ok(!text.includes(alice.keys.signatureSeed.join()));
});

Deno.test("a key package whose credential another identity has certified is refused", async () => {
  const mallory = createIdentity();
  const { user, device, signatureKey, identity } = alice.keys;
  const byMallory = certifyDevice(mallory, user, device, signatureKey);
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const claimed = encodeFrames([
    ...[text("fernchat device v1"), text(user), text(String(device))],
    ...[identity, byMallory.slice(-64)],
  ]);
  const forged = published(await oddKeyPackage(alice, { credential: claimed }));
  await assertFails("mls-invalid", () => readKeyPackage(forged));
  const honest = published(await oddKeyPackage(alice, { credential: byMallory }));
  const { identity: shown } = await readKeyPackage(honest);
  assert.deepEqual(shown, mallory.publicKey, "what mallory certifies is shown as mallory's");
});

Deno.test("a key package of another device's credential is refused", async () => {
  const other = await device("Alice", 3, alice.identity);
  const swapped = published(await oddKeyPackage(alice, { credential: other.keys.credential }));
  await assertFails("mls-invalid", () => readKeyPackage(swapped));
});

Deno.test("a key package out of time, or of too long a time, is refused", async () => {
  const now = BigInt(Math.floor(Date.now() / 1000));
  for (const notAfter of [now - 1n, now + 400n * 86_400n, 2n ** 63n]) {
    const bytes = published(await oddKeyPackage(alice, { notAfter }));
    await assertFails("mls-invalid", () => readKeyPackage(bytes));
  }
});

Deno.test("a key package with keys that nobody can encrypt to, or without our capabilities, is refused", async () => {
  const broken = new Uint8Array(1216).fill(0xff);
  const { leafNode } = await oddKeyPackage(alice, {});
  for (
    const oddity of [
      ...[{ initKey: broken }, { encryptionKey: broken }, { encryptionKey: new Uint8Array(32) }],
      { initKey: leafNode.hpkePublicKey, encryptionKey: leafNode.hpkePublicKey },
      { extensions: [] },
    ]
  ) {
    const bytes = published(await oddKeyPackage(alice, oddity));
    await assertFails("mls-invalid", () => readKeyPackage(bytes));
  }
});

Deno.test("an altered, cut or lengthened key package is refused", async () => {
  await assertDamageRefused(alice.own.public, readKeyPackage);
});

Deno.test("random bytes as a key package give a typed error", async () => {
  const start = alice.own.public.subarray(0, 6);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, plausible) => {
      const tried = plausible ? Uint8Array.of(...start, ...bytes) : bytes;
      await assertFails("mls-invalid", () => readKeyPackage(tried));
    }),
    { numRuns: 300 },
  );
  await assertFails("mls-invalid", () => readKeyPackage(new Uint8Array(8 * 1024 + 1)));
});
