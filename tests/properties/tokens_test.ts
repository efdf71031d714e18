/**
 * Tokens and what is in them: what opens is what was sealed, for this envelope and by a key of this
 * ring; every other text, and every change, is token-invalid.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { CallerError } from "../../lib/errors.ts";
import { FernetKey, KeyRing } from "../../lib/fernet.ts";
import { checkText, openContent, openText, sealText } from "../../lib/rooms/open_room.ts";
import {
  type Content,
  decodePayload,
  encodePayload,
  type Envelope,
} from "../../lib/rooms/payload.ts";
import { fault, hex } from "../protocol/pipe.ts";
import { anyText, envelope, fernetKey, wellFormedText } from "./arbitraries.ts";

const refused = fault("token-invalid");

const rings = fc.uniqueArray(fernetKey, { minLength: 1, maxLength: 4, selector: String })
  .map((keys) => new KeyRing(keys));
const plaintexts = fc.uint8Array({ maxLength: 80 });
const manners = fc.constantFrom({}, { action: true } as const);

/** A text with one change: a character replaced, put in or taken out, or an end cut off. */
function changed(texts: fc.Arbitrary<string>): fc.Arbitrary<{ text: string; other: string }> {
  const characters = fc.oneof(fc.string({ minLength: 1, maxLength: 1 }), anyText(1));
  return fc.tuple(texts, fc.nat(), characters, fc.nat(3))
    .map(([text, place, character, kind]) => {
      const at = place % (text.length + 1);
      const end = kind === 3 ? text.length : at + kind % 2;
      const insert = kind === 2 || kind === 1 ? character : "";
      return { text, other: text.slice(0, at) + insert + text.slice(end) };
    })
    .filter(({ text, other }) => text !== other);
}

Deno.test("any ring opens the tokens of each of its keys, and of no other", () => {
  fc.assert(fc.property(rings, fernetKey, plaintexts, (ring, other, plaintext) => {
    for (const key of ring.keys) {
      assert.equal(hex(ring.decrypt(key.encrypt(plaintext))), hex(plaintext));
      assert.equal(ring.find(key.id)?.id, key.id);
    }
    fc.pre(ring.find(other.id) === undefined);
    assert.throws(() => ring.decrypt(other.encrypt(plaintext)), refused);
  }));
});

Deno.test("any token with any one change to its text is refused", () => {
  const key = FernetKey.generate();
  const tokens = changed(plaintexts.map((plaintext) => key.encrypt(plaintext)));
  fc.assert(
    fc.property(tokens, ({ other }) => assert.throws(() => key.decrypt(other), refused)),
    { numRuns: 1000 },
  );
});

Deno.test("any ring is what its text says, whatever stands around the keys", () => {
  const noise = fc.constantFrom("", "\n", "  \n", "# newest first\n", "\r\n", "\t\n#\n");
  fc.assert(fc.property(rings, fc.array(noise, { maxLength: 5 }), (ring, noises) => {
    const lines = ring.keys.map((key, at) => `${noises[at] ?? ""}${key}\n`);
    assert.equal(KeyRing.parse(lines.join("")).toString(), ring.toString());
  }));
});

Deno.test("any other text is no ring: a typed error that names a line and never shows it", () => {
  const texts = fc.oneof(anyText(120), changed(rings.map(String)).map(({ other }) => other));
  const check = (text: string): void => {
    const ring = parseRing(text);
    if (typeof ring === "string") {
      const lines = text.split("\n").map((line) => line.trim()).filter((line) => line.length > 9);
      for (const line of lines) assert.ok(!ring.includes(line), "it shows a line");
    } else {
      assert.equal(KeyRing.parse(ring.toString()).toString(), ring.toString());
    }
  };
  fc.assert(fc.property(texts, check), { numRuns: 500 });
});

/** The ring; or all that the error shows, if it is of the one right class. */
function parseRing(text: string): KeyRing | string {
  try {
    return KeyRing.parse(text);
  } catch (error) {
    assert.ok(error instanceof CallerError, `not a CallerError: ${error}`);
    assert.match(error.code, /^key-(?:malformed|ring-empty)$/);
    return Deno.inspect(error);
  }
}

Deno.test("any payload gives its text and manner for its own envelope, and is refused for any other", () => {
  fc.assert(fc.property(envelope, envelope, anyText(60), manners, (own, other, text, manner) => {
    const plaintext = encodePayload(own, text, manner);
    assert.deepEqual(decodePayload(own, plaintext), { text, ...manner });
    for (const field of Object.keys(own) as (keyof Envelope)[]) {
      if (own[field] === other[field]) continue;
      const altered = { ...own, [field]: other[field] };
      assert.throws(() => decodePayload(altered, plaintext), refused);
    }
  }));
});

Deno.test("any payload with any one change is refused, or the one form of another text", () => {
  const changes = envelope.chain((own) =>
    changed(payloadsOf(own, 20)).map(({ other }) => ({ own, other }))
  );
  fc.assert(
    fc.property(changes, ({ own, other }) => {
      const content = ifOpen(() => decodePayload(own, other));
      if (content !== undefined) assert.equal(encodePayload(own, content.text, content), other);
    }),
    { numRuns: 1000 },
  );
});

Deno.test("whatever a holder of the key seals, it opens as a text that a client may send, or not at all", () => {
  const key = FernetKey.generate();
  const ring = new KeyRing([key]);
  const holders = envelope.chain((own) => {
    const payloads = payloadsOf(own, 40);
    const inside = fc.oneof(payloads, changed(payloads).map(({ other }) => other), anyText(80));
    return fc.tuple(fc.constant(own), fc.oneof(inside.map(utf8), plaintexts));
  });
  const check = ([own, plaintext]: [Envelope, Uint8Array]): void => {
    const sealed = { keyId: key.id, token: key.encrypt(plaintext) };
    const content = ifOpen(() => openContent(ring, own, sealed));
    if (content === undefined) return;
    const { text } = content;
    checkText(text);
    assert.deepEqual(openContent(ring, own, sealText(key, own, text, content)), content);
    assert.equal(hex(utf8(encodePayload(own, text, content))), hex(plaintext));
  };
  fc.assert(fc.property(holders, check), { numRuns: 500 });
});

Deno.test("any text that a client may send opens in the room that it was sealed for", () => {
  fc.assert(fc.property(rings, envelope, wellFormedText(200), (ring, own, text) => {
    assert.equal(openText(ring, own, sealText(ring.primary, own, text)), text);
  }));
});

/** Payloads of an envelope: what is said, and what is done. */
function payloadsOf(own: Envelope, length: number): fc.Arbitrary<string> {
  return fc.tuple(anyText(length), manners)
    .map(([text, manner]) => encodePayload(own, text, manner));
}

/** What it gives, or undefined if it is refused in the one way that is right. */
function ifOpen(open: () => Content): Content | undefined {
  try {
    return open();
  } catch (error) {
    refused(error);
    return undefined;
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
