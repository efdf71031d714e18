/**
 * Records: whatever an attacker does to a stream of them, what opens is the beginning of what was
 * sealed, in order, and everything else is record-invalid.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type KeyUsage,
  type OpenedRecord,
  RecordOpener,
  RecordSealer,
  RecordType,
} from "../../lib/protocol/record.ts";
import { concat } from "../attacks/proxy.ts";
import { fault, flipBit, hex } from "../protocol/pipe.ts";
import { bytesOf } from "./arbitraries.ts";
import { RecordForger } from "./record_forger.ts";

const refused = fault("record-invalid");

const SECRET = new Uint8Array(32).fill(7);
const MESSAGE = Uint8Array.of(RecordType.messages, 1);

const contents = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), {
  minLength: 1,
  maxLength: 12,
});
/** Limits that are met often, so that keys move on within a few records. */
const usage: fc.Arbitrary<KeyUsage> = fc.record({
  records: fc.integer({ min: 1, max: 6 }),
  bytes: fc.integer({ min: 1, max: 200 }),
});
const secret = bytesOf(32);

/** The contents and a close as records, key updates among them. */
function seal(secret: Uint8Array, usage: KeyUsage, contents: Uint8Array[]): Uint8Array[] {
  const sealer = new RecordSealer(secret, usage);
  const records = contents.flatMap((content) => sealer.seal(RecordType.messages, content));
  return [...records, ...sealer.seal(RecordType.close, new Uint8Array())];
}

/** One thing that an attacker does to the records on their way. */
type Attack = (records: readonly Uint8Array[]) => Uint8Array[];

const attacks: fc.Arbitrary<Attack> = fc.tuple(fc.nat(), fc.nat(), fc.nat(6)).map(
  ([one, other, kind]) => (records) => {
    const at = one % records.length;
    const record = records[at] as Uint8Array;
    const elsewhere = other % records.length;
    switch (kind) {
      case 0:
        return records.toSpliced(at, 1);
      case 1:
        return records.toSpliced(elsewhere, 0, record);
      case 2:
        return records.toSpliced(at, 1).toSpliced(elsewhere, 0, record);
      case 3:
        return records.with(at, flipBit(record, other % (record.length * 8)));
      case 4:
        return records.with(at, record.subarray(0, other % record.length));
      case 5:
        return records.with(at, concat([record, records[elsewhere] as Uint8Array]));
      default:
        return records.slice(0, at);
    }
  },
);

Deno.test("any contents open as they were sealed, in order, over any changes of keys", () => {
  fc.assert(fc.property(secret, usage, contents, (secret, usage, contents) => {
    const opener = new RecordOpener(secret);
    const opened = seal(secret, usage, contents).map((record) => opener.open(record));
    const texts = opened.filter(({ type }) => type === RecordType.messages);
    assert.deepEqual(texts.map(({ content }) => hex(content)), contents.map(hex));
    assert.equal(opened.at(-1)?.type, RecordType.close);
  }));
});

Deno.test("after any attack, what opens is the beginning of what was sealed, and no more", () => {
  const script = fc.array(attacks, { minLength: 1, maxLength: 3 });
  const check = (usage: KeyUsage, contents: Uint8Array[], script: Attack[]): void => {
    const sealed = seal(SECRET, usage, contents);
    const arriving = script.reduce((records, attack) => {
      return records.length === 0 ? [] : attack(records);
    }, sealed);
    const opener = new RecordOpener(SECRET);
    let due = 0;
    for (const record of arriving) {
      const isDue = due < sealed.length && hex(record) === hex(sealed[due] as Uint8Array);
      if (isDue) opener.open(record);
      else assert.throws(() => opener.open(record), refused);
      due += Number(isDue);
    }
  };
  fc.assert(fc.property(usage, contents, script, check), { numRuns: 500 });
});

Deno.test("any authentic plaintext is one of the three records, or refused; the state stays", () => {
  const plaintexts = fc.tuple(fc.nat(5), fc.uint8Array({ maxLength: 8 }), fc.nat(9))
    .map(([type, content, size]) => Uint8Array.of(type, ...content).subarray(0, size));
  const check = (plaintext: Uint8Array): void => {
    const [opener, forger] = [new RecordOpener(SECRET), new RecordForger(SECRET)];
    const record = forger.seal(plaintext);
    const expected = shapeOf(plaintext);
    if (expected !== undefined) return assert.deepEqual(plain(opener.open(record)), expected);
    assert.throws(() => opener.open(record), refused);
    assert.equal(opener.open(forger.seal(MESSAGE)).type, RecordType.messages);
  };
  fc.assert(fc.property(plaintexts, check), { numRuns: 500 });
});

Deno.test("nothing opens after a close, also what is sealed behind it", () => {
  const [opener, forger] = [new RecordOpener(SECRET), new RecordForger(SECRET)];
  const plaintexts = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.uint8Array({ maxLength: 8 }))
    .map(([type, content]) => Uint8Array.of(type, ...content));
  opener.open(forger.seal(Uint8Array.of(RecordType.close)));
  forger.advance();
  fc.assert(fc.property(plaintexts, (plaintext) => {
    assert.throws(() => opener.open(forger.seal(plaintext)), refused);
  }));
});

/** PROTOCOL.md: messages have a content, key updates and closes have none. */
function shapeOf(plaintext: Uint8Array): { type: number; content: string } | undefined {
  const [type, ...content] = plaintext;
  const isShaped = type === RecordType.messages
    ? content.length > 0
    : (type === RecordType.keyUpdate || type === RecordType.close) && content.length === 0;
  return isShaped ? { type: type as number, content: hex(Uint8Array.from(content)) } : undefined;
}

function plain({ type, content }: OpenedRecord): { type: number; content: string } {
  return { type, content: hex(content) };
}
