/**
 * ChaCha20-Poly1305: RFC 8439's answer, and the native and the portable cipher as one.
 *
 * @module
 */

import fc from "fast-check";
import assert from "node:assert/strict";
import {
  type Aead,
  AEAD_TAG_BYTES,
  createAead,
  hasNativeAead,
  nativeAead,
  portableAead,
} from "../../lib/protocol/aead.ts";
import { flipBit, hex, unhex, utf8 } from "./pipe.ts";

/** RFC 8439 section 2.8.2. */
const RFC = {
  key: unhex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
  nonce: unhex("070000004041424344454647"),
  additional: unhex("50515253c0c1c2c3c4c5c6c7"),
  plaintext: utf8(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, " +
      "sunscreen would be it.",
  ),
  sealed: "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6" +
    "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
    "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
    "3ff4def08e4b7a9de576d26586cec64b6116" +
    "1ae10b594f09e26a7e902ecbd0600691",
};

const ciphers: { name: string; create: (key: Uint8Array) => Aead; ignore: boolean }[] = [
  { name: "the native cipher", create: nativeAead, ignore: !hasNativeAead },
  { name: "the portable cipher", create: portableAead, ignore: false },
];

for (const { name, create, ignore } of ciphers) {
  Deno.test({
    name: `${name} gives RFC 8439's answer`,
    ignore,
    fn: () => {
      const cipher = create(RFC.key);
      assert.equal(hex(cipher.seal(RFC.nonce, RFC.plaintext, RFC.additional)), RFC.sealed);
      const opened = cipher.open(RFC.nonce, unhex(RFC.sealed), RFC.additional);
      assert.equal(hex(opened), hex(RFC.plaintext));
    },
  });

  Deno.test({
    name: `${name} refuses any flipped bit, any other length, nonce, key and additional data`,
    ignore,
    fn: () => {
      const cipher = create(RFC.key);
      const sealed = unhex(RFC.sealed);
      const refuses = (bytes: Uint8Array, nonce = RFC.nonce, additional = RFC.additional): void => {
        assert.ok(!opens(cipher, nonce, bytes, additional));
      };
      for (let bit = 0; bit < sealed.length * 8; bit++) refuses(flipBit(sealed, bit));
      for (let size = 0; size < sealed.length; size++) refuses(sealed.subarray(0, size));
      refuses(Uint8Array.of(...sealed, 0));
      refuses(sealed, flipBit(RFC.nonce, 95));
      refuses(sealed, RFC.nonce, flipBit(RFC.additional, 0));
      refuses(sealed, RFC.nonce, new Uint8Array());
      assert.ok(!opens(create(flipBit(RFC.key, 255)), RFC.nonce, sealed, RFC.additional));
    },
  });
}

Deno.test("createAead takes the native cipher where there is one", () => {
  assert.equal(createAead, hasNativeAead ? nativeAead : portableAead);
});

const size = (bytes: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes });
const anyBytes = fc.uint8Array({ maxLength: 200 });

Deno.test({
  name: "the native and the portable cipher seal to the same bytes and open each other's",
  ignore: !hasNativeAead,
  fn: () => {
    const check = (
      key: Uint8Array,
      nonce: Uint8Array,
      plaintext: Uint8Array,
      additional: Uint8Array,
    ): void => {
      const [native, portable] = [nativeAead(key), portableAead(key)];
      const sealed = native.seal(nonce, plaintext, additional);
      assert.equal(hex(portable.seal(nonce, plaintext, additional)), hex(sealed));
      assert.equal(sealed.length, plaintext.length + AEAD_TAG_BYTES);
      assert.equal(hex(native.open(nonce, sealed, additional)), hex(plaintext));
      assert.equal(hex(portable.open(nonce, sealed, additional)), hex(plaintext));
    };
    fc.assert(fc.property(size(32), size(12), anyBytes, anyBytes, check), { numRuns: 300 });
    check(RFC.key, RFC.nonce, new Uint8Array(70_000).fill(1), RFC.additional);
  },
});

Deno.test({
  name: "the native and the portable cipher refuse the same",
  ignore: !hasNativeAead,
  fn: () => {
    const [native, portable] = [nativeAead(RFC.key), portableAead(RFC.key)];
    const sealed = unhex(RFC.sealed);
    const altered = fc.oneof(
      anyBytes,
      fc.nat(sealed.length * 8 - 1).map((bit) => flipBit(sealed, bit)),
      fc.nat(sealed.length).map((end) => sealed.subarray(0, end)),
    );
    const opened = [0, 0];
    const check = (bytes: Uint8Array): void => {
      const [first, second] = [native, portable].map((cipher) =>
        opens(cipher, RFC.nonce, bytes, RFC.additional)
      );
      assert.equal(first, second);
      opened[Number(first)]! += 1;
    };
    fc.assert(fc.property(altered, check), { numRuns: 500, examples: [[sealed]] });
    assert.ok(opened.every((count) => count > 0));
  },
});

function opens(
  cipher: Aead,
  nonce: Uint8Array,
  sealed: Uint8Array,
  additional: Uint8Array,
): boolean {
  try {
    cipher.open(nonce, sealed, additional);
    return true;
  } catch {
    return false;
  }
}
