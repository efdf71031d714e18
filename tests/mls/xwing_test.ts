/**
 * X-Wing as the MLS library uses it gives the official draft's answers, and is the same as the
 * channel's.
 *
 * @module
 */

import { XWing } from "@hpke/hybridkem-x-wing";
import { ml_kem768_x25519 as channelsXWing } from "@noble/post-quantum/hybrid.js";
import assert from "node:assert/strict";
import { checkKeyPair, checkPublicKey, KEM_PUBLIC_KEY_BYTES } from "../../lib/mls/xwing.ts";
import xwing from "../testdata/xwing.json" with { type: "json" };
import { assertFails, hex, unhex } from "./people.ts";

const kem = new XWing();

async function keyPair(seed: string): Promise<CryptoKeyPair> {
  return await kem.generateKeyPairDerand(unhex(seed));
}

for (const [at, vector] of xwing.vectors.entries()) {
  Deno.test(`@hpke's X-Wing makes the draft's key pair ${at} from its seed`, async () => {
    const { publicKey, privateKey } = await keyPair(vector.seed);
    assert.equal(hex(new Uint8Array(await kem.serializePublicKey(publicKey))), vector.publicKey);
    assert.equal(hex(new Uint8Array(await kem.serializePrivateKey(privateKey))), vector.seed);
  });

  Deno.test(`@hpke's X-Wing encapsulates as the draft's vector ${at}`, async () => {
    const recipientPublicKey = (await keyPair(vector.seed)).publicKey;
    const ekm = unhex(vector.encapsulationSeed).buffer as ArrayBuffer;
    const { enc, sharedSecret } = await kem.encap({ recipientPublicKey, ekm });
    assert.equal(hex(new Uint8Array(enc)), vector.cipherText);
    assert.equal(hex(new Uint8Array(sharedSecret)), vector.sharedSecret);
  });

  Deno.test(`@hpke's X-Wing decapsulates as the draft's vector ${at}`, async () => {
    const recipientKey = (await keyPair(vector.seed)).privateKey;
    const enc = unhex(vector.cipherText).buffer as ArrayBuffer;
    const shared = await kem.decap({ recipientKey, enc });
    assert.equal(hex(new Uint8Array(shared)), vector.sharedSecret);
  });
}

Deno.test("a public key that nobody can encrypt to is refused", async () => {
  const { publicKey } = channelsXWing.keygen();
  checkPublicKey(publicKey);
  const outOfRange = Uint8Array.from(publicKey).fill(0xff, 0, 30);
  const lowOrder = Uint8Array.from(publicKey).fill(0, KEM_PUBLIC_KEY_BYTES - 32);
  const short = publicKey.subarray(1);
  for (const key of [outOfRange, lowOrder, short, new Uint8Array()]) {
    await assertFails("mls-invalid", () => checkPublicKey(key));
  }
});

Deno.test("a private key that is another public key's is refused", async () => {
  const [one, other] = [channelsXWing.keygen(), channelsXWing.keygen()];
  checkKeyPair(one.secretKey, one.publicKey);
  await assertFails("mls-invalid", () => checkKeyPair(one.secretKey, other.publicKey));
  await assertFails("mls-invalid", () => checkKeyPair(new Uint8Array(31), one.publicKey));
});
