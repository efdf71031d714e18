/**
 * AEAD_CHACHA20_POLY1305 (RFC 8439 section 2.8) with one key: by the runtime's native code where it
 * has this cipher (Deno 2.7 and newer), else by `@noble/ciphers`. The bytes are the same.
 *
 * @module
 */

import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { createCipheriv, createDecipheriv } from "node:crypto";

/** Bytes of a key. */
export const AEAD_KEY_BYTES = 32;
/** Bytes of a nonce. */
export const AEAD_NONCE_BYTES = 12;
/** Bytes by which a ciphertext is longer than its plaintext. */
export const AEAD_TAG_BYTES = 16;

/** One key's cipher. `open` throws if the ciphertext, nonce or additional data is not authentic. */
export interface Aead {
  seal(nonce: Uint8Array, plaintext: Uint8Array, additional: Uint8Array): Uint8Array;
  open(nonce: Uint8Array, ciphertext: Uint8Array, additional: Uint8Array): Uint8Array;
}

const NATIVE = "chacha20-poly1305";
const TAG = { authTagLength: AEAD_TAG_BYTES };

/** The cipher by `node:crypto`. Throws on a runtime without it. */
export function nativeAead(key: Uint8Array): Aead {
  return {
    seal(nonce, plaintext, additional): Uint8Array {
      const cipher = createCipheriv(NATIVE, key, nonce, TAG);
      cipher.setAAD(additional, { plaintextLength: plaintext.length });
      const sealed = new Uint8Array(plaintext.length + AEAD_TAG_BYTES);
      sealed.set(cipher.update(plaintext));
      cipher.final(); // a stream cipher holds nothing back: empty
      sealed.set(cipher.getAuthTag(), plaintext.length);
      return sealed;
    },
    open(nonce, ciphertext, additional): Uint8Array {
      const end = ciphertext.length - AEAD_TAG_BYTES;
      if (end < 0) throw new RangeError("shorter than its tag");
      const decipher = createDecipheriv(NATIVE, key, nonce, TAG);
      decipher.setAAD(additional, { plaintextLength: end });
      decipher.setAuthTag(ciphertext.subarray(end));
      const plaintext = decipher.update(ciphertext.subarray(0, end));
      decipher.final(); // throws unless the tag is right
      return plaintext;
    },
  };
}

/** The cipher by `@noble/ciphers`, on any runtime. */
export function portableAead(key: Uint8Array): Aead {
  return {
    seal: (nonce, plaintext, additional) =>
      chacha20poly1305(key, nonce, additional).encrypt(plaintext),
    open: (nonce, ciphertext, additional) =>
      chacha20poly1305(key, nonce, additional).decrypt(ciphertext),
  };
}

/** Whether this runtime has the native cipher. */
export const hasNativeAead: boolean = (() => {
  try {
    nativeAead(new Uint8Array(AEAD_KEY_BYTES))
      .seal(new Uint8Array(AEAD_NONCE_BYTES), new Uint8Array(), new Uint8Array());
    return true;
  } catch {
    return false;
  }
})();

/** The fastest cipher of this runtime, for a key of {@linkcode AEAD_KEY_BYTES}. */
export const createAead: (key: Uint8Array) => Aead = hasNativeAead ? nativeAead : portableAead;
