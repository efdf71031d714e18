/**
 * Ed25519 gives RFC 8032's answers, and no error for what cannot be a signature.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createSeed, publicKeyOf, sign, verify } from "../../lib/mls/ed25519.ts";
import { createIdentity, identityFromSeed } from "../../lib/mls/identity.ts";
import { hex, unhex } from "./people.ts";

/** RFC 8032 section 7.1, tests 1 to 3. */
const VECTORS = [
  {
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac" +
      "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e" +
      "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290" +
      "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

for (const [at, vector] of VECTORS.entries()) {
  Deno.test(`Ed25519 signs and verifies as RFC 8032's test ${at + 1}`, () => {
    const [seed, message] = [unhex(vector.seed), unhex(vector.message)];
    assert.equal(hex(publicKeyOf(seed)), vector.publicKey);
    assert.equal(hex(sign(seed, message)), vector.signature);
    assert.ok(verify(unhex(vector.publicKey), message, unhex(vector.signature)));
  });
}

Deno.test("a signature is right for its message and its key alone", () => {
  const [seed, message] = [createSeed(), Uint8Array.of(1, 2, 3)];
  const [key, signature] = [publicKeyOf(seed), sign(seed, message)];
  assert.ok(verify(key, message, signature));
  assert.ok(!verify(publicKeyOf(createSeed()), message, signature));
  assert.ok(!verify(key, Uint8Array.of(1, 2), signature));
  for (let at = 0; at < signature.length; at++) {
    const altered = signature.with(at, signature[at]! ^ 1);
    assert.ok(!verify(key, message, altered), `byte ${at}`);
  }
});

Deno.test("what cannot be a key or a signature is wrong, and no error", () => {
  const message = new Uint8Array();
  const key = publicKeyOf(createSeed());
  assert.ok(!verify(new Uint8Array(32).fill(0xff), message, new Uint8Array(64)));
  assert.ok(!verify(key.subarray(1), message, new Uint8Array(64)));
  assert.ok(!verify(key, message, new Uint8Array(63)));
});

Deno.test("an identity comes back from its seed", () => {
  const identity = createIdentity();
  assert.deepEqual(identityFromSeed(identity.seed), identity);
  assert.notDeepEqual(createIdentity().seed, identity.seed);
});
