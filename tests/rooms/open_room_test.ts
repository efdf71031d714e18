/**
 * Open rooms' tokens: what is bound inside them, and how long a text may be.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { CallerError, PeerError } from "../../lib/errors.ts";
import { FernetKey, KeyRing } from "../../lib/fernet.ts";
import { MAX_TEXT_BYTES, MAX_TOKEN_CHARS } from "../../lib/protocol/limits.ts";
import { checkText, openContent, openText, sealText } from "../../lib/rooms/open_room.ts";
import { encodePayload, type Envelope } from "../../lib/rooms/payload.ts";
import { assertThrows } from "../attacks/server.ts";

const key = FernetKey.generate();
const ring = new KeyRing([key]);
const envelope: Envelope = {
  room: "lobby",
  sender: "alice",
  id: "m-1",
  sent_at: "2026-01-01T00:00:00.000Z",
};

/** A token around any plaintext. */
function sealRaw(plaintext: string): { keyId: string; token: string } {
  return { keyId: key.id, token: key.encrypt(plaintext) };
}

Deno.test("openText() gives what sealText() took, whatever the text", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
    fc.pre(text.isWellFormed());
    assert.equal(openText(ring, envelope, sealText(key, envelope, text)), text);
  }));
});

Deno.test("sealText()'s plaintext is one JSON object with the text and the envelope", () => {
  const plaintext = key.decryptText(sealText(key, envelope, "hello").token);
  assert.deepEqual(JSON.parse(plaintext), { text: "hello", ...envelope });
  assert.equal(plaintext, encodePayload(envelope, "hello"));
});

Deno.test("an action is one more field at the end, and what is said has none", () => {
  const sealed = sealText(key, envelope, "waves", { action: true });
  const said = key.decryptText(sealText(key, envelope, "waves").token);
  assert.equal(key.decryptText(sealed.token), said.replace(/}$/, ',"action":true}'));
  assert.deepEqual(openContent(ring, envelope, sealed), { text: "waves", action: true });
  assert.deepEqual(openContent(ring, envelope, sealText(key, envelope, "waves")), {
    text: "waves",
  });
});

for (const field of Object.keys(envelope) as (keyof Envelope)[]) {
  Deno.test(`openText() refuses a token under another ${field}`, () => {
    const sealed = sealText(key, envelope, "hello");
    const altered = { ...envelope, [field]: `${envelope[field]}x` };
    assertThrows(() => openText(ring, altered, sealed), PeerError, "token-invalid");
  });
}

Deno.test("openText() refuses a key that the ring lacks, and says what to do", () => {
  const other = FernetKey.generate();
  const sealed = sealText(other, envelope, "hello");
  const error = assertThrows(() => openText(ring, envelope, sealed), PeerError, "token-invalid");
  assert.match(error.hint ?? "", /--key-file/);
});

Deno.test("openText() refuses a token of another key of the ring than the one it names", () => {
  const older = FernetKey.generate();
  const both = new KeyRing([key, older]);
  const sealed = { keyId: older.id, token: sealText(key, envelope, "hello").token };
  assertThrows(() => openText(both, envelope, sealed), PeerError, "token-invalid");
  assert.equal(openText(both, envelope, sealText(older, envelope, "old")), "old");
});

const exact = encodePayload(envelope, "hello");
for (
  const [what, plaintext] of Object.entries({
    "no JSON": "hello",
    "nothing": "",
    "a JSON text": JSON.stringify("hello"),
    "null": "null",
    "a list": "[]",
    "no text": JSON.stringify(envelope),
    "a number for the text": JSON.stringify({ text: 5, ...envelope }),
    "an extra field": JSON.stringify({ text: "hello", ...envelope, admin: true }),
    "another order of fields": JSON.stringify({ ...envelope, text: "hello" }),
    "an action that is none": exact.replace(/}$/, ',"action":false}'),
    "an action that is a number": exact.replace(/}$/, ',"action":1}'),
    "an action of null": exact.replace(/}$/, ',"action":null}'),
    "an action before its text": exact.replace("{", '{"action":true,'),
    "an action twice": exact.replace(/}$/, ',"action":true,"action":true}'),
    "white space": ` ${exact}`,
    "a field twice": exact.replace("{", '{"text":"other",'),
    "an escape that JSON does not need": exact.replace("hello", "\\u0068ello"),
    "a byte order mark": `\ufeff${exact}`,
    "something behind": `${exact}{}`,
  })
) {
  Deno.test(`openText() refuses a token that holds ${what}`, () => {
    assertThrows(() => openText(ring, envelope, sealRaw(plaintext)), PeerError, "token-invalid");
  });
}

for (const [unit, bytes] of [["x", 1], ["é", 2], ["漢", 3], ["😀", 4]] as const) {
  Deno.test(`a text may have ${MAX_TEXT_BYTES} bytes of UTF-8, in characters of ${bytes}`, () => {
    const text = unit.repeat(Math.floor(MAX_TEXT_BYTES / bytes)) +
      "x".repeat(MAX_TEXT_BYTES % bytes);
    checkText(text.slice(0, -unit.length)); // below
    assert.equal(openText(ring, envelope, sealText(key, envelope, text)), text); // exactly
    const error = assertThrows(
      () => sealText(key, envelope, `${text}x`), // one byte above
      CallerError,
      "text-too-long",
    );
    assert.match(error.message, new RegExp(`${MAX_TEXT_BYTES + 1} bytes`));
    assert.match(error.hint ?? "", /parts/);
  });
}

Deno.test("openText() takes a text of the limit, and none above it", () => {
  const sealed = (bytes: number): ReturnType<typeof sealRaw> =>
    sealRaw(encodePayload(envelope, "x".repeat(bytes)));
  for (const bytes of [MAX_TEXT_BYTES - 1, MAX_TEXT_BYTES]) {
    assert.equal(openText(ring, envelope, sealed(bytes)).length, bytes);
  }
  const above = sealed(MAX_TEXT_BYTES + 1);
  assertThrows(() => openText(ring, envelope, above), PeerError, "token-invalid");
});

Deno.test("the longest token fits its limit, although JSON escapes every byte of it", () => {
  const longest = { room: "r".repeat(32), sender: "s".repeat(32), id: "i".repeat(64) };
  const text = "\u0000".repeat(MAX_TEXT_BYTES);
  const { token } = sealText(key, { ...envelope, ...longest }, text);
  assert.ok(token.length <= MAX_TOKEN_CHARS, `${token.length} of ${MAX_TOKEN_CHARS}`);
});

for (const text of ["\ud800", "a\udc00b", "\udc00\ud800"]) {
  Deno.test(`sealText() refuses a lone surrogate: ${JSON.stringify(text)}`, () => {
    assertThrows(() => sealText(key, envelope, text), CallerError, "text-invalid");
  });
}
