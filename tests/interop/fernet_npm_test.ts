/**
 * Fernet tokens cross both ways between us and `npm:fernet`, which knows text only.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fernet from "fernet";
import { FernetKey, unsafeEncryptWithIv } from "../../lib/fernet.ts";
import { texts } from "./fernet_support.ts";

const key = FernetKey.generate();
const secret = new fernet.Secret(`${key}`);
const NOW = "2026-01-01T00:00:00Z";

/** A time to live of 0 tells npm:fernet, which reads the system's clock, not to check the time. */
function decryptWithNpm(token: string): string {
  return new fernet.Token({ secret, token, ttl: 0 }).decode();
}

function encryptWithNpm(text: string): string {
  return new fernet.Token({ secret, time: NOW, message: text }).encode();
}

Deno.test("npm:fernet opens our tokens, from 0 bytes to 64 KiB", () => {
  for (const text of texts) assert.equal(decryptWithNpm(key.encrypt(text)), text);
});

Deno.test("npm:fernet makes tokens that we open, from 0 bytes to 64 KiB", () => {
  const options = { now: Date.parse(NOW), ttlSeconds: 0 };
  for (const text of texts) assert.equal(key.decryptText(encryptWithNpm(text), options), text);
});

Deno.test("npm:fernet and we make the same bytes from the same IV and time", () => {
  for (const text of texts) {
    const token = encryptWithNpm(text);
    const iv = Buffer.from(token, "base64url").subarray(9, 25);
    assert.equal(unsafeEncryptWithIv(key, text, iv, { now: Date.parse(NOW) }), token);
  }
});

Deno.test("npm:fernet refuses our token under another key", () => {
  const token = FernetKey.generate().encrypt("hello");
  assert.throws(() => decryptWithNpm(token), /Invalid Token: HMAC/);
});
