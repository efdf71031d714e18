/**
 * The decoders of what is sealed with a room's keys, and of the keys: tokens, payloads, texts, rings.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError, PeerError } from "../../lib/errors.ts";
import { FernetKey, InvalidTokenError, KeyRing, unsafeEncryptWithIv } from "../../lib/fernet.ts";
import { checkText, openText } from "../../lib/rooms/open_room.ts";
import {
  decodePayload,
  encodePayload,
  type Envelope,
  type Manner,
} from "../../lib/rooms/payload.ts";
import { type Decoder, decoder } from "./fuzz.ts";
import { mutateJson } from "./json_mutations.ts";
import { mutate, mutateText, randomText } from "./mutations.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { decodeToken, encodeToken, forgeToken } from "./token_forger.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const SECOND = BigInt(NOW) / 1000n;
const TTL = 60;

const key = FernetKey.fromBytes(new Uint8Array(32).fill(1));
const olderKey = FernetKey.fromBytes(new Uint8Array(32).fill(2));
const ring = new KeyRing([key, olderKey]);
const strangerKey = FernetKey.fromBytes(new Uint8Array(32).fill(3));

const TOKENS = [
  ...["", "hello", "x".repeat(15), "x".repeat(16), "é", "\u0000"],
].map((text) => key.encrypt(text, { now: NOW }));
const TOKEN_BYTES = TOKENS.map(decodeToken);

/** A token in its many states: good, forged, altered in its text or bytes, another's, or none. */
function token(random: SeededRandom): string {
  const valid = random.pick(TOKENS);
  switch (random.below(8)) {
    case 0:
      return valid;
    case 1:
      return encodeToken(random.bytes(random.length(120)));
    case 2:
      return mutateText(random, valid, TOKENS);
    case 3:
    case 4:
      return encodeToken(mutate(random, random.pick(TOKEN_BYTES), TOKEN_BYTES));
    case 5:
      return random.pick([strangerKey, olderKey]).encrypt(random.bytes(5), { now: NOW });
    case 6:
      return key.encrypt(random.bytes(random.length(40)), { now: NOW });
    default:
      return forgeToken(key, {
        version: random.oneIn(4) ? random.below(256) : 0x80,
        seconds: random.oneIn(4) ? BigInt(random.word()) << BigInt(random.below(33)) : SECOND,
        blocks: asciiBlocks(random),
      });
  }
}

/** Whole blocks that are text but for the last byte, a number of padding or nearly one. */
function asciiBlocks(random: SeededRandom): Uint8Array {
  const blocks = random.bytes(16 * random.below(4)).map((byte) => byte & 0x7f);
  const padding = random.below(19);
  const from = random.oneIn(2) ? blocks.length - 1 : Math.max(0, blocks.length - padding);
  return blocks.fill(padding, from);
}

/** Whether a key of the ring makes this token of this plaintext, with the same time and IV. */
function isOneForm(text: string, plaintext: string): boolean {
  const token = decodeToken(text);
  const iv = token.subarray(9, 25);
  const now = Number(new DataView(token.buffer, token.byteOffset).getBigUint64(1)) * 1000;
  return ring.keys.some((key) => unsafeEncryptWithIv(key, plaintext, iv, { now }) === text);
}

const openingTokens = decoder({
  name: "KeyRing.decryptText()",
  inputs: 40_000,
  throws: InvalidTokenError,
  ends: ["taken", "base64", "size", "version", "expired", "future", "mac", "padding", "utf8"],
  reason: (error) => (error as InvalidTokenError).cause.reason,
  make: token,
  decode(text): void {
    const plaintext = ring.decryptText(text, { ttlSeconds: TTL, now: NOW });
    assert.ok(isOneForm(text, plaintext), "it was taken in another form than its own");
  },
});

const ENVELOPES: readonly Envelope[] = [
  { room: "lobby", sender: "alice", id: "m-1", sent_at: "2026-01-01T00:00:00.000Z" },
  { room: "physics", sender: "bob", id: "m-2", sent_at: "2026-01-02T00:00:00.000Z" },
];

interface Arriving {
  envelope: Envelope;
  plaintext: string;
}

/** What a token held, with the envelope that came beside it: often its own, often altered. */
function arriving(random: SeededRandom): Arriving {
  const envelope = random.pick(ENVELOPES);
  const text = randomText(random, 12);
  const manner: Manner = random.oneIn(3) ? { action: true } : {};
  const plaintext = encodePayload(envelope, text, manner);
  switch (random.below(8)) {
    case 0:
      return { envelope: random.pick(ENVELOPES), plaintext };
    case 1:
      return { envelope, plaintext: randomText(random, 40) };
    case 2:
    case 3:
      return { envelope, plaintext: mutateText(random, plaintext, [plaintext]) };
    case 4:
    case 5:
      return { envelope, plaintext: mutateJson(random, { text, ...envelope, ...manner }) };
    default:
      return { envelope, plaintext };
  }
}

const payloads = decoder({
  name: "decodePayload()",
  inputs: 110_000,
  throws: PeerError,
  ends: ["taken", "token-invalid"],
  make: arriving,
  decode({ envelope, plaintext }): void {
    const content = decodePayload(envelope, plaintext);
    const again = encodePayload(envelope, content.text, content);
    assert.equal(again, plaintext, "it was taken in another form");
  },
});

const texts = decoder({
  name: "openText()",
  inputs: 15_000,
  throws: PeerError,
  ends: ["taken", "token-invalid"],
  make: (random) => {
    const { envelope, plaintext } = arriving(random);
    const sealed = random.oneIn(4)
      ? token(random)
      : key.encrypt(plaintext.toWellFormed(), { now: NOW });
    const keyId = random.oneIn(8) ? strangerKey.id : key.id;
    return { envelope, sealed: { keyId, token: sealed } };
  },
  decode({ envelope, sealed }): void {
    checkText(openText(ring, envelope, sealed));
  },
});

const KEY_FILES = [
  `${key}\n`,
  `# newest first\n${key}\r\n\n${olderKey}`,
  "# none\n",
  `  ${olderKey}\t\n`,
];

const keyRings = decoder({
  name: "KeyRing.parse()",
  inputs: 30_000,
  throws: CallerError,
  ends: ["taken", "key-malformed", "key-ring-empty"],
  make: (random) => {
    if (random.oneIn(8)) return randomText(random, 60);
    const file = random.pick(KEY_FILES);
    return random.oneIn(8) ? file : mutateText(random, file, KEY_FILES);
  },
  decode(text): void {
    const ring = KeyRing.parse(text);
    for (const key of ring.keys) assert.ok(text.includes(key.toString()));
  },
});

/** See the module's description. */
export const TOKEN_DECODERS: readonly Decoder[] = [openingTokens, payloads, texts, keyRings];
