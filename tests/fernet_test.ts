/**
 * Fernet tokens and key rings: the official vectors, then sizes, alteration, malleability, time,
 * rings and secrecy. The clock is always passed in. Other implementations: `interop/`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createCipheriv, createHmac } from "node:crypto";
import fc from "fast-check";
import { CallerError, PeerError } from "../lib/errors.ts";
import { FernetKey, InvalidTokenError, KeyRing, TokenFault } from "../lib/fernet.ts";
import { type TokenFaultReason, unsafeEncryptWithIv } from "../lib/fernet.ts";
import vectors from "./testdata/fernet.json" with { type: "json" };

const NOW = Date.parse("2026-01-01T00:00:00Z");
const key = FernetKey.parse(vectors.key);
const otherKey = FernetKey.fromBytes(new Uint8Array(32).fill(1));
const oldKey = FernetKey.fromBytes(new Uint8Array(32).fill(2));

/** The token is refused for one of these reasons, and looks from outside like every other. */
function assertInvalid(decrypt: () => unknown, ...reasons: string[]): void {
  assert.throws(decrypt, (error) => {
    assert.ok(error instanceof InvalidTokenError && error instanceof PeerError);
    assert.equal(error.code, "token-invalid");
    assert.equal(error.message, "Invalid Fernet token");
    assert.ok(error.cause instanceof TokenFault);
    assert.ok(reasons.includes(error.cause.reason), `reason: ${error.cause.reason}`);
    return true;
  });
}

function assertCallerError(act: () => unknown, code: string, message?: RegExp): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof CallerError);
    assert.equal(error.code, code);
    if (message) assert.match(error.message, message);
    return true;
  });
}

function bytesOf(token: string): Buffer {
  return Buffer.from(token, "base64url");
}

function tokenOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** A token over any ciphertext, authentic under `key`: what only a holder of the key could make. */
function signedToken(version: number, ciphertext: Uint8Array): string {
  const body = Buffer.concat([Buffer.of(version), Buffer.alloc(8), Buffer.alloc(16), ciphertext]);
  const mac = createHmac("sha256", bytesOf(vectors.key).subarray(0, 16)).update(body).digest();
  return tokenOf(Buffer.concat([body, mac]));
}

/** AES-128-CBC of whole blocks without padding, under `key` and an IV of zeros. */
function encryptBlocks(blocks: Uint8Array): Buffer {
  const cipher = createCipheriv("aes-128-cbc", bytesOf(vectors.key).subarray(16), Buffer.alloc(16));
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(blocks), cipher.final()]);
}

for (const { plaintext, now, iv, token } of vectors.generate) {
  Deno.test(`official generate vector: ${plaintext}`, () => {
    const options = { now: Date.parse(now) };
    const made = unsafeEncryptWithIv(key, plaintext, Buffer.from(iv, "hex"), options);
    assert.equal(made, token);
  });
}

for (const { plaintext, now, ttlSeconds, token } of vectors.verify) {
  Deno.test(`official verify vector: ${plaintext}`, () => {
    const options = { now: Date.parse(now), ttlSeconds };
    assert.equal(key.decryptText(token, options), plaintext);
  });
}

Deno.test("there are 8 official invalid vectors", () => {
  assert.equal(vectors.invalid.length, 8);
});

for (const { name, reason, now, ttlSeconds, token } of vectors.invalid) {
  Deno.test(`official invalid vector: ${name}, is refused for "${reason}"`, () => {
    assertInvalid(() => key.decrypt(token, { now: Date.parse(now), ttlSeconds }), reason);
  });
}

for (const size of [0, 1, 15, 16, 17, 31, 32, 33, 65535, 65536, 65537]) {
  Deno.test(`encrypt() then decrypt() keeps ${size} bytes`, () => {
    const plaintext = Uint8Array.from({ length: size }, (_, index) => index * 31 % 256);
    const token = key.encrypt(plaintext, { now: NOW });
    assert.deepEqual(key.decrypt(token), plaintext);
    // Version, time, IV and HMAC take 57 bytes; padding takes 1 to 16.
    assert.equal(bytesOf(token).length, 57 + size + 16 - size % 16);
  });
}

Deno.test("encrypt() then decryptText() keeps any well-formed text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    assert.equal(key.decryptText(key.encrypt(text)), text);
  }));
});

Deno.test("encrypt() then decrypt() keeps any bytes, under any key", () => {
  const keyBytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(fc.property(keyBytes, fc.uint8Array(), (secret, plaintext) => {
    const anyKey = FernetKey.fromBytes(secret);
    assert.deepEqual(anyKey.decrypt(anyKey.encrypt(plaintext)), plaintext);
  }));
});

Deno.test("decryptText() keeps a byte order mark", () => {
  assert.equal(key.decryptText(key.encrypt("\ufefftext")), "\ufefftext");
});

Deno.test("decrypt() returns a plain Uint8Array with memory of its own", () => {
  const plaintext = key.decrypt(key.encrypt("hello"));
  assert.equal(Object.getPrototypeOf(plaintext), Uint8Array.prototype);
  assert.equal(plaintext.buffer.byteLength, 5);
});

Deno.test("encrypt() writes the clock's whole seconds, as 64 bits", () => {
  const second = (now: number): bigint => bytesOf(key.encrypt("", { now })).readBigUInt64BE(1);
  assert.equal(second(0), 0n);
  assert.equal(second(NOW), BigInt(NOW) / 1000n);
  assert.equal(second(NOW + 999), BigInt(NOW) / 1000n);
  assert.equal(second(2 ** 32 * 1000), 2n ** 32n);
});

Deno.test("encrypt() never uses an IV twice", () => {
  const ivs = Array.from(
    { length: 1000 },
    () => bytesOf(key.encrypt("same", { now: NOW })).toString("hex", 9, 25),
  );
  assert.equal(new Set(ivs).size, ivs.length);
});

Deno.test("encrypt() refuses what it could not give back", () => {
  assertCallerError(() => key.encrypt("lone \ud800 surrogate"), "text-malformed");
  for (const now of [-1, NaN, Infinity]) {
    assertCallerError(() => key.encrypt("text", { now }), "time-invalid");
  }
});

Deno.test("unsafeEncryptWithIv() takes 16 bytes only", () => {
  for (const size of [0, 15, 17]) {
    assertCallerError(() => unsafeEncryptWithIv(key, "", new Uint8Array(size)), "iv-malformed");
  }
});

Deno.test("flipping any bit of a token's bytes is refused", () => {
  const bytes = bytesOf(key.encrypt("sixteen bytes ok", { now: NOW }));
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const altered = Buffer.from(bytes);
    altered[bit >> 3]! ^= 1 << (bit & 7);
    assertInvalid(() => key.decrypt(tokenOf(altered)), bit < 8 ? "version" : "mac");
  }
});

Deno.test("replacing any character of a token by any other is refused", () => {
  const token = key.encrypt("hello", { now: NOW });
  for (let at = 0; at < token.length; at++) {
    for (let code = 0; code < 256; code++) {
      const altered = token.slice(0, at) + String.fromCharCode(code) + token.slice(at + 1);
      if (altered === token) continue;
      assertInvalid(() => key.decrypt(altered), "base64", "size", "version", "mac");
    }
  }
});

Deno.test("cutting a token at any byte is refused", () => {
  const bytes = bytesOf(key.encrypt("x".repeat(40), { now: NOW }));
  for (let size = 0; size < bytes.length; size++) {
    // 57 bytes and whole blocks of 16 are a token's size; whatever else is left, its HMAC is not.
    const reason = size >= 73 && (size - 57) % 16 === 0 ? "mac" : "size";
    assertInvalid(() => key.decrypt(tokenOf(bytes.subarray(0, size))), reason);
  }
});

Deno.test("a token of another key is refused", () => {
  assertInvalid(() => otherKey.decrypt(key.encrypt("hello")), "mac");
});

Deno.test("an authentic token of another version is refused", () => {
  const ciphertext = encryptBlocks(new Uint8Array(16).fill(16));
  assert.equal(key.decryptText(signedToken(0x80, ciphertext)), "");
  for (const version of [0x00, 0x7f, 0x81, 0xff]) {
    assertInvalid(() => key.decrypt(signedToken(version, ciphertext)), "version");
  }
});

Deno.test("an authentic token with wrong padding is refused", () => {
  const block = (...end: number[]): number[] => [...new Array(16 - end.length).fill(7), ...end];
  for (const last of [block(0), block(1, 2), block(2, 3, 3), block(17), block(255), block(9, 16)]) {
    const token = signedToken(0x80, encryptBlocks(Uint8Array.from(last)));
    assertInvalid(() => key.decrypt(token), "padding");
  }
});

Deno.test("an authentic token without ciphertext is refused", () => {
  assertInvalid(() => key.decrypt(signedToken(0x80, new Uint8Array())), "size");
});

const malformedUtf8: [string, number[]][] = [
  ["a stray continuation byte", [0x80]],
  ["a cut sequence", [0xe2, 0x82]],
  ["an overlong sequence", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a code point above 10FFFF", [0xf4, 0x90, 0x80, 0x80]],
];
for (const [name, bytes] of malformedUtf8) {
  Deno.test(`decryptText() refuses ${name}, and decrypt() returns it`, () => {
    const token = key.encrypt(Uint8Array.from(bytes));
    assertInvalid(() => key.decryptText(token), "utf8");
    assert.deepEqual(key.decrypt(token), Uint8Array.from(bytes));
    assert.equal(key.decryptText(key.encrypt("still works")), "still works");
  });
}

const loose: [string, (token: string) => string][] = [
  ["without its padding", (token) => token.replace(/=+$/, "")],
  ["with one padding character less", (token) => token.slice(0, -1)],
  ["with one padding character more", (token) => `${token}=`],
  ["with a block of padding more", (token) => `${token}====`],
  ["after a space", (token) => ` ${token}`],
  ["before a newline", (token) => `${token}\n`],
  ["around a newline", (token) => `${token.slice(0, 64)}\n${token.slice(64)}`],
  ["around a NUL", (token) => `${token.slice(0, 64)}\0${token.slice(64)}`],
  ["after a byte order mark", (token) => `\ufeff${token}`],
  ["before another token", (token) => token + token],
];
for (const [name, alter] of loose) {
  Deno.test(`a token ${name} is not canonical`, () => {
    const token = key.encrypt("hello", { now: NOW });
    assertInvalid(() => key.decrypt(alter(token)), "base64");
  });
}

Deno.test("a token with any of its unused last bits set is not canonical", () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // Tokens of 73 bytes end in "==", tokens of 89 bytes in "=".
  for (const [text, unusedBits] of [["hello", 4], ["x".repeat(16), 2]] as const) {
    const token = key.encrypt(text, { now: NOW });
    const at = token.indexOf("=") - 1;
    const last = alphabet.indexOf(token[at]!);
    for (let bits = 1; bits < 1 << unusedBits; bits++) {
      const altered = token.slice(0, at) + alphabet[last + bits] + token.slice(at + 1);
      assert.deepEqual(bytesOf(altered), bytesOf(token), "the same bytes, for a lenient decoder");
      assertInvalid(() => key.decrypt(altered), "base64");
    }
  }
});

Deno.test("a token in the standard alphabet is not canonical", () => {
  const iv = Buffer.alloc(16, 0xfb); // "-_v7" and the like in any position
  const token = unsafeEncryptWithIv(key, "hello", iv, { now: NOW });
  const standard = token.replaceAll("-", "+").replaceAll("_", "/");
  assert.notEqual(standard, token);
  assertInvalid(() => key.decrypt(standard), "base64");
});

Deno.test("a token with a character that only looks Latin to a byte is not canonical", () => {
  const token = key.encrypt("hello", { now: NOW });
  const wide = String.fromCharCode(token.charCodeAt(0) + 256) + token.slice(1);
  assertInvalid(() => key.decrypt(wide), "base64");
});

Deno.test("whatever text is given as a token, the only error is InvalidTokenError", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    assert.throws(() => key.decrypt(text, { ttlSeconds: 60, now: NOW }), InvalidTokenError);
  }));
});

Deno.test("whatever bytes are given as a token, the only error is InvalidTokenError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    const text = tokenOf(Uint8Array.of(0x80, ...bytes));
    assert.throws(() => key.decrypt(text, { ttlSeconds: 60, now: NOW }), InvalidTokenError);
  }));
});

const ages: [string, number, TokenFaultReason | undefined][] = [
  ["one second younger than its time to live is good", 59, undefined],
  ["exactly as old as its time to live is good", 60, undefined],
  ["one second older than its time to live is expired", 61, "expired"],
  ["made now is good", 0, undefined],
  ["59 seconds in the future is good", -59, undefined],
  ["60 seconds in the future is good", -60, undefined],
  ["61 seconds in the future is refused", -61, "future"],
];
for (const [name, age, reason] of ages) {
  Deno.test(`a token ${name}`, () => {
    const token = key.encrypt("hello", { now: NOW });
    const options = { ttlSeconds: 60, now: NOW + age * 1000 };
    if (reason) assertInvalid(() => key.decrypt(token, options), reason);
    else assert.equal(key.decryptText(token, options), "hello");
  });
}

Deno.test("age counts whole seconds, as tokens do", () => {
  const token = key.encrypt("hello", { now: NOW + 999 });
  assert.equal(key.decryptText(token, { ttlSeconds: 0, now: NOW + 999 }), "hello");
  assertInvalid(() => key.decrypt(token, { ttlSeconds: 0, now: NOW + 1000 }), "expired");
});

Deno.test("without a time to live, no time is checked: neither past nor future", () => {
  const token = key.encrypt("hello", { now: NOW });
  assert.equal(key.decryptText(token, { now: 0 }), "hello");
  assert.equal(key.decryptText(token, { now: NOW * 2 }), "hello");
});

Deno.test("a time of 64 bits is in the future, not negative", () => {
  const bytes = bytesOf(key.encrypt("hello"));
  bytes.fill(0xff, 1, 9);
  const token = tokenOf(bytes);
  assertInvalid(() => key.decrypt(token, { ttlSeconds: 60, now: NOW }), "future");
});

Deno.test("decrypt() refuses a time to live or clock that would let everything pass", () => {
  const token = key.encrypt("hello");
  assertCallerError(() => key.decrypt(token, { ttlSeconds: NaN }), "time-invalid");
  assertCallerError(() => key.decrypt(token, { ttlSeconds: -1 }), "time-invalid");
  assertCallerError(() => key.decrypt(token, { ttlSeconds: 60, now: NaN }), "time-invalid");
});

Deno.test("parse() and toString() of a key are inverse", () => {
  assert.equal(`${key}`, vectors.key);
  const fresh = FernetKey.generate();
  assert.equal(`${fresh}`.length, 44);
  assert.equal(FernetKey.parse(`${fresh}`).decryptText(fresh.encrypt("hello")), "hello");
  assert.notEqual(`${fresh}`, `${FernetKey.generate()}`);
});

const secret = "c".repeat(42);
const malformedKeys: [string, string][] = [
  ["empty", ""],
  ["without padding", vectors.key.slice(0, -1)],
  ["with unused bits set", vectors.key.replace("4=", "5=")],
  ["in the standard alphabet", vectors.key.replace("-", "+").replace("_", "/")],
  ["with a newline after it", `${vectors.key}\n`],
  ["with a space before it", ` ${vectors.key}`],
  ["of 31 bytes", tokenOf(new Uint8Array(31).fill(7))],
  ["of 33 bytes", tokenOf(new Uint8Array(33).fill(7))],
  ["with another character", `${secret}!=`],
];
for (const [name, text] of malformedKeys) {
  Deno.test(`a key ${name} is refused without being repeated`, () => {
    assertCallerError(() => FernetKey.parse(text), "key-malformed");
    assert.throws(() => FernetKey.parse(text), (error) => {
      return text === "" || !Deno.inspect(error).includes(text.trim().slice(0, 20));
    });
  });
}

Deno.test("fromBytes() takes a copy of 32 bytes, and no other number", () => {
  const bytes = new Uint8Array(32).fill(3);
  const copied = FernetKey.fromBytes(bytes);
  const before = `${copied}`;
  bytes.fill(4);
  assert.equal(`${copied}`, before);
  assertCallerError(() => FernetKey.fromBytes(new Uint8Array(31)), "key-malformed");
  assertCallerError(() => FernetKey.fromBytes(new Uint8Array(33)), "key-malformed");
});

Deno.test("a key's id is the start of SHA-256 over its bytes", () => {
  // printf 01%.0s {1..32} | xxd -r -p | sha256sum
  assert.equal(otherKey.id, "72cd6e84");
  assert.equal(otherKey.id, FernetKey.parse(`${otherKey}`).id);
});

Deno.test("a key that is logged or put into JSON shows its id, not itself", () => {
  const ring = new KeyRing([key, otherKey]);
  const shown = [
    Deno.inspect(key, { depth: 10, showHidden: true }),
    Deno.inspect({ nested: [key] }, { depth: 10, showHidden: true }),
    Deno.inspect(ring, { depth: 10, showHidden: true }),
    JSON.stringify(key),
    JSON.stringify({ ring }),
  ];
  for (const text of shown) {
    assert.match(text, new RegExp(`FernetKey\\(${key.id}\\)`));
    const bytes = bytesOf(vectors.key);
    for (const start of [0, 16]) {
      const half = bytes.subarray(start, start + 16);
      assert.ok(!text.includes(half.toString("hex")));
      assert.ok(!text.includes(half.toString("base64url").slice(0, 20)));
      assert.ok(!text.includes([...half.subarray(0, 4)].join(", ")));
    }
    assert.ok(!text.includes(vectors.key.slice(0, 20)));
  }
});

Deno.test("a ring encrypts with its first key and decrypts with any", () => {
  const ring = new KeyRing([key, otherKey]);
  assert.equal(ring.primary, key);
  assert.equal(key.decryptText(ring.encrypt("new")), "new");
  assert.equal(ring.decryptText(otherKey.encrypt("old")), "old");
  assert.deepEqual(ring.decrypt(otherKey.encrypt("old")), new TextEncoder().encode("old"));
});

Deno.test("a ring refuses what none of its keys made, and whatever a key refuses", () => {
  const ring = new KeyRing([key, otherKey]);
  assertInvalid(() => ring.decrypt(oldKey.encrypt("older")), "mac");
  const old = otherKey.encrypt("old", { now: NOW });
  assertInvalid(() => ring.decrypt(`${old}=`), "base64");
  assertInvalid(() => ring.decrypt(old, { ttlSeconds: 1, now: NOW + 2000 }), "expired");
  assertInvalid(() => ring.decryptText(otherKey.encrypt(Uint8Array.of(0xff))), "utf8");
});

Deno.test("a ring whose keys share their signing half tries them all", () => {
  const bytes = bytesOf(vectors.key);
  const twin = FernetKey.fromBytes(Buffer.concat([bytes.subarray(0, 16), Buffer.alloc(16)]));
  const token = unsafeEncryptWithIv(key, "hello", new Uint8Array(16), { now: NOW });
  assertInvalid(() => twin.decrypt(token), "padding");
  assert.equal(new KeyRing([twin, key]).decryptText(token), "hello");
});

Deno.test("a ring finds its keys by id", () => {
  const ring = new KeyRing([key, otherKey]);
  assert.equal(ring.find(otherKey.id), otherKey);
  assert.equal(ring.find(oldKey.id), undefined);
});

Deno.test("a ring keeps its keys whatever becomes of the list it was made from", () => {
  const keys = [key, otherKey];
  const ring = new KeyRing(keys);
  keys.reverse();
  assert.deepEqual(ring.keys.map(String), [key, otherKey].map(String));
  assert.throws(() => (ring.keys as FernetKey[]).push(oldKey), TypeError);
});

Deno.test("a ring has at least one key", () => {
  assertCallerError(() => new KeyRing([]), "key-ring-empty");
  assertCallerError(() => KeyRing.parse(""), "key-ring-empty");
  assertCallerError(() => KeyRing.parse("# no key\n\n"), "key-ring-empty");
});

Deno.test("parse() and toString() of a ring are inverse: one key a line, newest first", () => {
  const text = `${key}\n${otherKey}\n`;
  assert.equal(`${KeyRing.parse(text)}`, text);
  assert.equal(KeyRing.parse(text).primary.id, key.id);
});

Deno.test("a ring's file may have comments, blank lines and Windows line ends", () => {
  const text = `# today\r\n${key}\r\n\r\n  \r\n# yesterday\r\n${otherKey}`;
  assert.deepEqual(KeyRing.parse(text).keys.map(String), [`${key}`, `${otherKey}`]);
});

Deno.test("a ring names the line that is no key, without repeating it", () => {
  const bad = vectors.key.slice(0, -1);
  const parse = (): KeyRing => KeyRing.parse(`# comment\n\n${otherKey}\n${bad}\n`);
  assertCallerError(parse, "key-malformed", /line 4\b/);
  assert.throws(parse, (error) => !Deno.inspect(error).includes(bad.slice(0, 20)));
});
