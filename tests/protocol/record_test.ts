/**
 * Records: exactly the peer's next one opens, whatever is done to it on its way; keys move on.
 *
 * @module
 */

import assert from "node:assert/strict";
import { BugError } from "../../lib/errors.ts";
import { frameHeader } from "../../lib/framing.ts";
import { AEAD_NONCE_BYTES, createAead } from "../../lib/protocol/aead.ts";
import { nextTrafficSecret, trafficKey } from "../../lib/protocol/key_schedule.ts";
import {
  type KeyUsage,
  RECORD_OVERHEAD_BYTES,
  RecordOpener,
  RecordSealer,
  RecordType,
} from "../../lib/protocol/record.ts";
import vectors from "../testdata/protocol.json" with { type: "json" };
import { fault, flipBit, hex, unhex, utf8 } from "./pipe.ts";

const { messages, keyUpdate, close } = RecordType;
const CLIENT_SECRET = unhex(vectors.outputs.hs.client.secret);
const SERVER_SECRET = unhex(vectors.outputs.hs.server.secret);

const invalid = fault("record-invalid");

/** A client's sealer and the server's opener for it. */
function createPair(usage?: KeyUsage): { sealer: RecordSealer; opener: RecordOpener } {
  return {
    sealer: new RecordSealer(CLIENT_SECRET, usage),
    opener: new RecordOpener(CLIENT_SECRET),
  };
}

/** The one record that these contents become. */
function sealOne(sealer: RecordSealer, text: string): Uint8Array {
  const [record, ...more] = sealer.seal(messages, utf8(text));
  assert.equal(more.length, 0);
  return record!;
}

function openText(opener: RecordOpener, record: Uint8Array): string {
  const { type, content } = opener.open(record);
  assert.equal(type, messages);
  return new TextDecoder().decode(content);
}

/** Any plaintext as the first record of the client: what only a broken peer sends. */
function forge(plaintext: Uint8Array): Uint8Array {
  const { key, iv } = trafficKey(CLIENT_SECRET);
  return createAead(key).seal(iv, plaintext, frameHeader(plaintext.length + 16));
}

Deno.test("RecordSealer makes the vectors' records", () => {
  const { inputs, outputs } = vectors;
  const { sealer } = createPair({ records: 2, bytes: 2 ** 30 });
  const written = inputs.records.filter(({ type }) => type !== keyUpdate);
  const sealed = written.flatMap(({ type, content }) =>
    sealer.seal(type as typeof messages | typeof close, unhex(content))
  );
  assert.deepEqual(sealed.map(hex), outputs.records);
});

Deno.test("RecordOpener opens the vectors' records", () => {
  const { opener } = createPair();
  const opened = vectors.outputs.records.map((record) => opener.open(unhex(record)));
  const plain = opened.map(({ type, content }) => ({ type, content: hex(content) }));
  assert.deepEqual(plain, vectors.inputs.records);
});

Deno.test("a record is longer than its content by the overhead", () => {
  for (const size of [1, 2, 15, 16, 17, 65_536]) {
    const [record] = createPair().sealer.seal(messages, new Uint8Array(size));
    assert.equal(record?.length, size + RECORD_OVERHEAD_BYTES);
  }
});

Deno.test("a record with any bit flipped is refused, and the right one still opens", () => {
  const { sealer, opener } = createPair();
  const record = sealOne(sealer, "hi");
  for (let bit = 0; bit < record.length * 8; bit++) {
    assert.throws(() => opener.open(flipBit(record, bit)), invalid);
  }
  assert.equal(openText(opener, record), "hi");
});

Deno.test("a record truncated or extended anywhere is refused, and the right one still opens", () => {
  const { sealer, opener } = createPair();
  const record = sealOne(sealer, "hello");
  for (let size = 0; size < record.length; size++) {
    assert.throws(() => opener.open(record.subarray(0, size)), invalid);
    assert.throws(() => opener.open(record.subarray(record.length - size)), invalid);
  }
  assert.throws(() => opener.open(Uint8Array.of(...record, 0)), invalid);
  assert.throws(() => opener.open(Uint8Array.of(0, ...record)), invalid);
  assert.equal(openText(opener, record), "hello");
});

Deno.test("a replayed record is refused, and the next one still opens", () => {
  const { sealer, opener } = createPair();
  const [first, second] = [sealOne(sealer, "1"), sealOne(sealer, "2")];
  assert.equal(openText(opener, first), "1");
  assert.throws(() => opener.open(first), invalid);
  assert.equal(openText(opener, second), "2");
  assert.throws(() => opener.open(first), invalid);
});

Deno.test("reordered records are refused until the one that is due comes", () => {
  const { sealer, opener } = createPair();
  const [first, second] = [sealOne(sealer, "1"), sealOne(sealer, "2")];
  assert.throws(() => opener.open(second), invalid);
  assert.equal(openText(opener, first), "1");
  assert.equal(openText(opener, second), "2");
});

Deno.test("after a dropped record nothing opens any more", () => {
  const { sealer, opener } = createPair();
  sealOne(sealer, "dropped");
  for (let at = 0; at < 10; at++) {
    assert.throws(() => opener.open(sealOne(sealer, `later ${at}`)), invalid);
  }
});

Deno.test("a client's record reflected to the client is refused", () => {
  const record = sealOne(new RecordSealer(CLIENT_SECRET), "mine");
  assert.throws(() => new RecordOpener(SERVER_SECRET).open(record), invalid);
});

Deno.test("a server's record passed off as a client's is refused", () => {
  const record = sealOne(new RecordSealer(SERVER_SECRET), "the server's");
  assert.throws(() => new RecordOpener(CLIENT_SECRET).open(record), invalid);
});

Deno.test("a record of another connection is refused", () => {
  const record = sealOne(new RecordSealer(flipBit(CLIENT_SECRET, 0)), "elsewhere");
  assert.throws(() => new RecordOpener(CLIENT_SECRET).open(record), invalid);
});

Deno.test("nothing opens after the close: no record, no second close, no replay", () => {
  const { sealer, opener } = createPair();
  const first = sealOne(sealer, "1");
  const [closing] = sealer.seal(close, new Uint8Array());
  openText(opener, first);
  assert.equal(opener.open(closing!).type, close);
  const late = [sealOne(sealer, "late"), sealer.seal(close, new Uint8Array())[0]!];
  for (const record of [...late, closing!, first]) {
    assert.throws(() => opener.open(record), invalid);
  }
});

Deno.test("an authentic record of an unknown type is refused, and leaves the state", () => {
  for (const type of [0, 4, 5, 127, 128, 255]) {
    const { sealer, opener } = createPair();
    assert.throws(() => opener.open(forge(Uint8Array.of(type))), invalid);
    assert.throws(() => opener.open(forge(Uint8Array.of(type, 1))), invalid);
    assert.equal(openText(opener, sealOne(sealer, "first")), "first");
  }
});

Deno.test("an authentic record without even a type is refused", () => {
  const { sealer, opener } = createPair();
  assert.throws(() => opener.open(forge(new Uint8Array())), invalid);
  assert.equal(openText(opener, sealOne(sealer, "first")), "first");
});

Deno.test("messages without content, and a key update or close with some, are refused", () => {
  for (const plaintext of [[messages], [keyUpdate, 0], [close, 0], [close, 0, 0, 0, 0]]) {
    const { sealer, opener } = createPair();
    assert.throws(() => opener.open(forge(Uint8Array.from(plaintext))), invalid);
    assert.equal(openText(opener, sealOne(sealer, "first")), "first");
  }
});

Deno.test("a close with content is never sealed, and leaves the state", () => {
  const { sealer, opener } = createPair();
  assert.throws(() => sealer.seal(close, Uint8Array.of(1)), BugError);
  assert.equal(openText(opener, sealOne(sealer, "first")), "first");
});

/** How many records each of the first `count` contents of `size` bytes becomes. */
function recordCounts(usage: KeyUsage, size: number, count: number): number[] {
  const { sealer, opener } = createPair(usage);
  return Array.from({ length: count }, () => {
    const records = sealer.seal(messages, new Uint8Array(size));
    const types = records.map((record) => opener.open(record).type);
    assert.deepEqual(types, records.length === 2 ? [keyUpdate, messages] : [messages]);
    return records.length;
  });
}

Deno.test("a key seals as many records as its limit says: 2, 3 or 4, then updates", () => {
  const bytes = 2 ** 30;
  assert.deepEqual(recordCounts({ records: 2, bytes }, 1, 7), [1, 1, 2, 1, 2, 1, 2]);
  assert.deepEqual(recordCounts({ records: 3, bytes }, 1, 7), [1, 1, 1, 2, 1, 1, 2]);
  assert.deepEqual(recordCounts({ records: 4, bytes }, 1, 9), [1, 1, 1, 1, 2, 1, 1, 1, 2]);
});

Deno.test("a key seals contents below its limit of bytes; at 0 and +1 it updates", () => {
  const records = 2 ** 16;
  assert.deepEqual(recordCounts({ records, bytes: 100 }, 99, 3), [1, 1, 2]);
  assert.deepEqual(recordCounts({ records, bytes: 100 }, 100, 3), [1, 2, 2]);
  assert.deepEqual(recordCounts({ records, bytes: 100 }, 101, 3), [1, 2, 2]);
  assert.deepEqual(recordCounts({ records, bytes: 100 }, 50, 5), [1, 1, 2, 1, 2]);
});

Deno.test("a close can be what makes the key update due", () => {
  const { sealer, opener } = createPair({ records: 1, bytes: 2 ** 30 });
  openText(opener, sealOne(sealer, "1"));
  const types = sealer.seal(close, new Uint8Array()).map((record) => opener.open(record).type);
  assert.deepEqual(types, [keyUpdate, close]);
});

Deno.test("records and sequence numbers start again under the next key", () => {
  const { sealer } = createPair({ records: 1, bytes: 2 ** 30 });
  sealOne(sealer, "1");
  const [, afterUpdate] = sealer.seal(messages, utf8("same"));
  const fresh = new RecordSealer(nextTrafficSecret(CLIENT_SECRET));
  assert.equal(hex(afterUpdate!), hex(sealOne(fresh, "same")));
});

Deno.test("after a key update the old key opens nothing, and the next is not yet accepted before it", () => {
  const { sealer, opener } = createPair({ records: 1, bytes: 2 ** 30 });
  const old = new RecordSealer(CLIENT_SECRET, { records: 9, bytes: 2 ** 30 });
  openText(opener, sealOne(sealer, "1"));
  const [update, next] = sealer.seal(messages, utf8("2"));
  assert.throws(() => opener.open(next!), invalid);
  opener.open(update!);
  for (let at = 0; at < 5; at++) assert.throws(() => opener.open(sealOne(old, `${at}`)), invalid);
  assert.throws(() => opener.open(update!), invalid);
  assert.equal(openText(opener, next!), "2");
});

Deno.test("a dropped key update is noticed: what follows does not open", () => {
  const { sealer, opener } = createPair({ records: 1, bytes: 2 ** 30 });
  openText(opener, sealOne(sealer, "1"));
  const [, next] = sealer.seal(messages, utf8("2"));
  assert.throws(() => opener.open(next!), invalid);
});

Deno.test("equal contents become different records, under every key", () => {
  const { sealer } = createPair({ records: 3, bytes: 2 ** 30 });
  const records = Array.from({ length: 50 }, () => sealer.seal(messages, utf8("same"))).flat();
  assert.equal(new Set(records.map(hex)).size, records.length);
});

Deno.test("the sequence number is XORed into the nonce's last 8 bytes, big-endian", () => {
  const { key, iv } = trafficKey(CLIENT_SECRET);
  const { sealer } = createPair();
  const records = Array.from({ length: 258 }, () => sealOne(sealer, "x"));
  for (const sequence of [0, 1, 255, 256, 257]) {
    const nonce = iv.slice();
    nonce[AEAD_NONCE_BYTES - 1]! ^= sequence & 0xff;
    nonce[AEAD_NONCE_BYTES - 2]! ^= sequence >> 8;
    const record = records[sequence]!;
    const plaintext = createAead(key).open(nonce, record, frameHeader(record.length));
    assert.equal(hex(plaintext), "0178");
  }
});
