/**
 * X-Wing as this project imports it gives the official draft's answers, and answers bad input.
 *
 * @module
 */

import { ml_kem768_x25519 as xWing } from "@noble/post-quantum/hybrid.js";
import assert from "node:assert/strict";
import { KEM_CIPHERTEXT_BYTES, KEM_PUBLIC_KEY_BYTES } from "../../lib/protocol/handshake.ts";
import xwing from "../testdata/xwing.json" with { type: "json" };
import { flipBit, hex, unhex } from "./pipe.ts";

/** Bytes of the ML-KEM-768 part of a public key and of a ciphertext; X25519's 32 follow. */
const ML_KEM_PUBLIC_KEY_BYTES = 1184;
const ML_KEM_CIPHERTEXT_BYTES = 1088;

for (const [at, vector] of xwing.vectors.entries()) {
  const { publicKey, secretKey } = xWing.keygen(unhex(vector.seed));

  Deno.test(`X-Wing makes the draft's key pair ${at} from its seed`, () => {
    assert.equal(hex(publicKey), vector.publicKey);
    assert.equal(hex(secretKey), vector.seed);
  });

  Deno.test(`X-Wing encapsulates as the draft's vector ${at}`, () => {
    const seed = unhex(vector.encapsulationSeed);
    const { cipherText, sharedSecret } = xWing.encapsulate(publicKey, seed);
    assert.equal(hex(cipherText), vector.cipherText);
    assert.equal(hex(sharedSecret), vector.sharedSecret);
  });

  Deno.test(`X-Wing decapsulates as the draft's vector ${at}`, () => {
    const shared = xWing.decapsulate(unhex(vector.cipherText), secretKey);
    assert.equal(hex(shared), vector.sharedSecret);
  });
}

Deno.test("X-Wing's sizes are those that the handshake expects", () => {
  const { publicKey, secretKey } = xWing.keygen();
  const { cipherText, sharedSecret } = xWing.encapsulate(publicKey);
  assert.equal(publicKey.length, KEM_PUBLIC_KEY_BYTES);
  assert.equal(cipherText.length, KEM_CIPHERTEXT_BYTES);
  assert.equal(sharedSecret.length, 32);
  assert.equal(hex(xWing.decapsulate(cipherText, secretKey)), hex(sharedSecret));
});

Deno.test("a ciphertext with one bit flipped anywhere gives another secret, and no error", () => {
  const { publicKey, secretKey } = xWing.keygen(unhex(xwing.vectors[0]!.seed));
  const { cipherText, sharedSecret } = xWing.encapsulate(publicKey);
  const last = cipherText.length * 8 - 2; // the very last bit is one that X25519 ignores
  for (const bit of [0, 4000, ML_KEM_CIPHERTEXT_BYTES * 8 - 1, ML_KEM_CIPHERTEXT_BYTES * 8, last]) {
    const shared = xWing.decapsulate(flipBit(cipherText, bit), secretKey);
    assert.notEqual(hex(shared), hex(sharedSecret), `bit ${bit}`);
  }
});

Deno.test("the bit of the X25519 share that X25519 ignores is bound into the secret too", () => {
  const { publicKey, secretKey } = xWing.keygen(unhex(xwing.vectors[0]!.seed));
  const { cipherText, sharedSecret } = xWing.encapsulate(publicKey);
  const altered = flipBit(cipherText, cipherText.length * 8 - 1);
  assert.notEqual(hex(xWing.decapsulate(altered, secretKey)), hex(sharedSecret));
});

Deno.test("an all-zero X25519 share is refused on both sides, stricter than the draft", () => {
  const { publicKey, secretKey } = xWing.keygen(unhex(xwing.vectors[0]!.seed));
  const { cipherText } = xWing.encapsulate(publicKey);
  const refused = /invalid private or public key/;
  const zeroKey = publicKey.fill(0, ML_KEM_PUBLIC_KEY_BYTES);
  assert.throws(() => xWing.encapsulate(zeroKey), refused);
  const zeroShare = cipherText.fill(0, ML_KEM_CIPHERTEXT_BYTES);
  assert.throws(() => xWing.decapsulate(zeroShare, secretKey), refused);
});
