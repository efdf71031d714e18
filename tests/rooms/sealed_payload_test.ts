/**
 * What sealed rooms' tokens hold: what is bound, what is signed, and that it has one form.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { BugError, CallerError, PeerError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { publicKeyOf, sign as signWith, verify } from "../../lib/mls/ed25519.ts";
import { MAX_TEXT_BYTES, MAX_TOKEN_CHARS } from "../../lib/protocol/limits.ts";
import type { Envelope } from "../../lib/rooms/payload.ts";
import {
  decodeSealedPayload,
  encodeSealedPayload,
  type Proof,
  type SealedContent,
  verifySealedPayload,
} from "../../lib/rooms/sealed_payload.ts";
import { assertThrows } from "../attacks/server.ts";
import {
  bytesOf,
  chainValue,
  envelope as anyEnvelope,
  sequence,
  wellFormedText,
} from "../properties/arbitraries.ts";
import { mutateJson } from "../properties/json_mutations.ts";
import { SeededRandom } from "../properties/seeded_random.ts";
import { utf8 } from "../protocol/pipe.ts";

const SEED = new Uint8Array(32).fill(5);
const HEX = "0f".repeat(32);
const KEY = FernetKey.fromBytes(new Uint8Array(32).fill(6)).digest();
const envelope: Envelope = {
  room: "physics",
  sender: "alice",
  id: "m-1",
  sent_at: "2026-01-01T00:00:00.000Z",
};
const proof: Proof = { epoch: 3, after: 11, head: HEX, saved: 2, device: publicKeyOf(SEED) };

const sign = (message: Uint8Array): Uint8Array => signWith(SEED, message);

/** A token's plaintext. */
function encode(content: SealedContent, more: Partial<Proof> = {}): string {
  return encodeSealedPayload(envelope, content, { ...proof, ...more }, KEY, sign);
}

function refuses(plaintext: string, other: Envelope = envelope): void {
  assertThrows(() => decodeSealedPayload(other, plaintext), PeerError, "token-invalid");
}

const plaintext = encode({ text: "hello" });

const content: fc.Arbitrary<SealedContent> = fc.tuple(
  wellFormedText(40),
  fc.oneof(
    fc.constant({}),
    fc.constant({ action: true } as const),
    fc.constant({ leave: true } as const),
    chainValue.map((commit) => ({ commit })),
  ),
).map(([text, meaning]) => ({ text, ...meaning }));

const anyProof: fc.Arbitrary<Proof> = fc.record({
  epoch: sequence,
  after: sequence,
  head: chainValue,
  saved: sequence,
  device: bytesOf(32),
}, { noNullPrototype: true });

Deno.test("whatever is said comes back with its proof", () => {
  fc.assert(fc.property(anyEnvelope, content, anyProof, bytesOf(64), (beside, said, by, made) => {
    const text = encodeSealedPayload(beside, said, by, KEY, () => made);
    const { signature, ...payload } = decodeSealedPayload(beside, text);
    assert.deepEqual(payload, { content: said, ...by });
    assert.deepEqual(signature, made);
  }));
});

Deno.test("a plaintext is one JSON object, its fields in this order", () => {
  const device = Buffer.from(proof.device).toString("base64url");
  const { signature, ...rest } = JSON.parse(plaintext);
  const beside = { text: "hello", ...envelope };
  const after = { epoch: 3, after: 11, head: HEX, saved: 2, device };
  assert.equal(JSON.stringify(rest), JSON.stringify({ ...beside, ...after }));
  assert.match(signature, /^[A-Za-z0-9_-]{86}$/);
  for (const meaning of [{ action: true }, { commit: HEX }, { leave: true }] as const) {
    const { signature: _, ...fields } = JSON.parse(encode({ text: "hello", ...meaning }));
    assert.equal(JSON.stringify(fields), JSON.stringify({ ...beside, ...meaning, ...after }));
  }
});

Deno.test("what is signed is the label, a zero byte, the key's digest and the JSON without the signature", () => {
  const { signature, ...rest } = JSON.parse(plaintext);
  const label = utf8("fernchat sealed message v1\0");
  const message = Buffer.concat([label, KEY, utf8(JSON.stringify(rest))]);
  const made = new Uint8Array(Buffer.from(signature, "base64url"));
  assert.ok(verify(proof.device, message, made));
});

Deno.test("verifySealedPayload() takes what the device signed", () => {
  for (const meaning of [{}, { action: true }, { commit: HEX }, { leave: true }] as const) {
    const text = encode({ text: "hello", ...meaning });
    verifySealedPayload(envelope, decodeSealedPayload(envelope, text), KEY, verify);
  }
});

Deno.test("what was said under one key is not taken under another one", () => {
  const payload = decodeSealedPayload(envelope, plaintext);
  const other = FernetKey.generate().digest();
  assertThrows(
    () => verifySealedPayload(envelope, payload, other, verify),
    PeerError,
    "token-invalid",
  );
});

/** The plaintext with another value of a field. */
function altered(field: string, value: unknown): string {
  return JSON.stringify({ ...JSON.parse(plaintext), [field]: value });
}

for (const field of Object.keys(envelope) as (keyof Envelope)[]) {
  Deno.test(`a token under another ${field} is refused, also by its signature`, () => {
    const other = { ...envelope, [field]: `${envelope[field]}x` };
    refuses(plaintext, other);
    const payload = decodeSealedPayload(other, altered(field, other[field]));
    assertThrows(
      () => verifySealedPayload(other, payload, KEY, verify),
      PeerError,
      "token-invalid",
    );
  });
}

const ALTERATIONS = {
  text: "hullo",
  epoch: 4,
  after: 12,
  head: "1f".repeat(32),
  saved: 3,
  device: Buffer.from(publicKeyOf(new Uint8Array(32))).toString("base64url"),
  signature: Buffer.alloc(64, 1).toString("base64url"),
};

for (const [field, value] of Object.entries(ALTERATIONS)) {
  Deno.test(`another ${field} than what was signed is refused`, () => {
    const payload = decodeSealedPayload(envelope, altered(field, value));
    assertThrows(
      () => verifySealedPayload(envelope, payload, KEY, verify),
      PeerError,
      "token-invalid",
    );
  });
}

Deno.test("a message does not become an action, a commit or a leave under the same signature", () => {
  for (const meaning of ['"action":true', `"commit":"${HEX}"`, '"leave":true']) {
    const turned = plaintext.replace(',"epoch"', `,${meaning},"epoch"`);
    const payload = decodeSealedPayload(envelope, turned);
    assertThrows(
      () => verifySealedPayload(envelope, payload, KEY, verify),
      PeerError,
      "token-invalid",
    );
  }
});

Deno.test("any bit of a signature flipped is refused", () => {
  const payload = decodeSealedPayload(envelope, plaintext);
  for (let bit = 0; bit < 512; bit++) {
    const signature = payload.signature.slice();
    signature[bit >> 3]! ^= 1 << (bit & 7);
    assertThrows(
      () => verifySealedPayload(envelope, { ...payload, signature }, KEY, verify),
      PeerError,
      "token-invalid",
    );
  }
});

Deno.test("decode succeeding means that encode gives the same text", () => {
  const random = new SeededRandom("sealed payloads");
  const object = JSON.parse(encode({ text: "hello", commit: HEX }));
  let taken = 0;
  for (let left = 2000; left > 0; left--) {
    const text = mutateJson(random, object);
    try {
      const { content, signature, ...by } = decodeSealedPayload(envelope, text);
      assert.equal(encodeSealedPayload(envelope, content, by, KEY, () => signature), text);
      taken += 1;
    } catch (error) {
      assert.ok(error instanceof PeerError, String(error));
      assert.equal(error.code, "token-invalid");
    }
  }
  assert.ok(taken > 0);
});

const two = (one: string): string => plaintext.replace(',"epoch"', `,${one},"epoch"`);
for (
  const [what, text] of Object.entries({
    "nothing": "",
    "no JSON": "hello",
    "null": "null",
    "an open room's payload": JSON.stringify({ text: "hello", ...envelope }),
    "no signature": altered("signature", undefined),
    "no device": altered("device", undefined),
    "a device of 31 bytes": altered("device", "A".repeat(42)),
    "a device with stray bits": altered("device", `${"A".repeat(42)}B`),
    "a signature of 63 bytes": altered("signature", "A".repeat(84)),
    "a signature of 65 bytes": altered("signature", "A".repeat(87)),
    "a signature with stray bits": altered("signature", `${"A".repeat(85)}B`),
    "a signature with padding": altered("signature", `${"A".repeat(86)}==`),
    "an epoch below 0": altered("epoch", -1),
    "an epoch that is not whole": altered("epoch", 1.5),
    "an epoch that is too large": altered("epoch", 2 ** 53),
    "a minus before 0": plaintext.replace('"saved":2', '"saved":-0'),
    "a chain in capitals": altered("head", HEX.toUpperCase()),
    "a commit that is no hash": two('"commit":"00"'),
    "an action that is none": two('"action":false'),
    "an action and a leave": two('"action":true,"leave":true'),
    "a commit and a leave": two(`"commit":"${HEX}","leave":true`),
    "a field more": two('"more":1'),
    "white space": plaintext.replace(":", ": "),
    "an escape that JSON does not need": plaintext.replace("hello", "\\u0068ello"),
    "something behind": `${plaintext} `,
    "a field twice": plaintext.replace('"saved":2', '"saved":2,"saved":2'),
    "a lone surrogate": altered("text", "\ud800"),
  })
) {
  Deno.test(`decodeSealedPayload() refuses ${what}`, () => refuses(text));
}

Deno.test("a text has so many bytes, sent or received, and not one more", () => {
  for (const size of [MAX_TEXT_BYTES - 1, MAX_TEXT_BYTES]) {
    const text = "x".repeat(size);
    assert.equal(decodeSealedPayload(envelope, encode({ text })).content.text, text);
  }
  const tooLong = "x".repeat(MAX_TEXT_BYTES + 1);
  assertThrows(() => encode({ text: tooLong }), CallerError, "text-too-long");
  refuses(altered("text", tooLong));
  assertThrows(() => encode({ text: "\udc00" }), CallerError, "text-invalid");
});

Deno.test("what has two meanings is not sent", () => {
  const both = { text: "", action: true, leave: true } as const;
  assertThrows(() => encode(both), BugError, "bug");
});

Deno.test("the longest token fits its limit, although JSON escapes every byte of it", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const longest: Envelope = {
    ...{ room: "r".repeat(32), sender: "s".repeat(32), id: "i".repeat(64) },
    sent_at: envelope.sent_at,
  };
  const said = { text: "\0".repeat(MAX_TEXT_BYTES), commit: HEX };
  const by = { ...proof, epoch: most, after: most, saved: most };
  const token = FernetKey.generate().encrypt(encodeSealedPayload(longest, said, by, KEY, sign));
  assert.ok(token.length <= MAX_TOKEN_CHARS, `${token.length}`);
});
