/**
 * The blob `account`: whatever is kept comes back, in one form, within its limits.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeAccountRecord, encodeAccountRecord } from "../../lib/vault/account_record.ts";
import { MAX_BLOB_CONTENT_BYTES } from "../../lib/vault/blob.ts";
import { Contacts, MAX_CONTACTS } from "../../lib/vault/contacts.ts";
import { KnownRooms, MAX_KNOWN_ROOMS } from "../../lib/vault/known_rooms.ts";
import { accountName, bytesOf } from "../properties/arbitraries.ts";
import { hex } from "../protocol/pipe.ts";
import { assertOneForm, json, key32, refuses, text32 } from "./records.ts";

const SINCE = "2026-01-01T00:00:00.000Z";
const seen = { key: text32(1), since: SINCE };
const ALICE = { name: "Alice", ...seen, verified: true };
const BOB = { name: "bob", ...seen, verified: false, changed: { key: text32(2), since: SINCE } };
const CAROL = { name: "carol", ...seen, verified: false, former: [text32(3), text32(4)] };
const RECORD = { seed: text32(9), pins: [ALICE, BOB, CAROL], rooms: ["chess", "physics"] };

const codec = { decode: decodeAccountRecord, encode: encodeAccountRecord };

Deno.test("a record is its seed, its contacts by their folded names, and its rooms", () => {
  const contacts = new Contacts();
  contacts.meet("bob", key32(1), Date.parse(SINCE));
  contacts.meet("bob", key32(2), Date.parse(SINCE));
  contacts.meet("Alice", key32(1), Date.parse(SINCE));
  contacts.verify("alice");
  for (const key of [3, 4, 1]) {
    contacts.meet("carol", key32(key), Date.parse(SINCE));
    contacts.acknowledge("carol");
  }
  const rooms = new KnownRooms(["physics", "chess"]);
  const bytes = encodeAccountRecord({ seed: key32(9), contacts, rooms });
  assert.equal(hex(bytes), hex(json(RECORD)));
});

Deno.test("whatever contacts have seen comes back, and nothing of it is unsaved", () => {
  const meeting = fc.tuple(accountName, fc.integer({ min: 1, max: 3 }), fc.boolean());
  fc.assert(fc.property(bytesOf(32), fc.array(meeting), (seed, meetings) => {
    const contacts = new Contacts();
    for (const [name, key, isEager] of meetings) {
      contacts.meet(name, key32(key), 0);
      if (!isEager) continue;
      contacts.acknowledge(name);
      contacts.verify(name);
    }
    const rooms = new KnownRooms();
    const record = decodeAccountRecord(encodeAccountRecord({ seed, contacts, rooms }));
    assert.deepEqual(record.seed, seed);
    assert.deepEqual([...record.contacts], [...contacts]);
    assert.equal(record.contacts.unsaved, 0);
  }));
});

Deno.test("people of the names 42, 7 and constructor come back", () => {
  const contacts = new Contacts();
  for (const name of ["42", "7", "constructor", "bob"]) contacts.meet(name, key32(1), 0);
  const rooms = new KnownRooms();
  const record = decodeAccountRecord(encodeAccountRecord({ seed: key32(9), contacts, rooms }));
  assert.deepEqual([...record.contacts], [...contacts]);
});

Deno.test("decode succeeding means that encode gives the same bytes", () => {
  assertOneForm(codec, json(RECORD), RECORD);
  assertOneForm(codec, json(RECORD), ALICE, (pin) => json(withPins(new TextDecoder().decode(pin))));
});

/** A record whose pins are this JSON. */
function withPins(...pins: string[]): string {
  return `{"seed":"${text32(9)}","pins":[${pins.join()}],"rooms":[]}`;
}

for (
  const [what, value] of Object.entries({
    "nothing": "",
    "no JSON": "pins",
    "null": null,
    "no seed": { pins: [], rooms: [] },
    "no pins": { seed: text32(9), rooms: [] },
    "no rooms": { seed: text32(9), pins: [] },
    "rooms out of their order": { ...RECORD, rooms: ["physics", "chess"] },
    "a room twice": { ...RECORD, rooms: ["chess", "chess"] },
    "a room's name that is none": { ...RECORD, rooms: ["Chess"] },
    "a seed of 31 bytes": { ...RECORD, seed: text32(9).slice(0, -1) },
    "a seed with stray bits": { ...RECORD, seed: text32(9).replace(/.$/, "l") },
    "a seed in the other alphabet": { ...RECORD, seed: text32(255).replace(/_/g, "/") },
    "one field more": { ...RECORD, more: 1 },
    "another order": { pins: RECORD.pins, seed: RECORD.seed, rooms: RECORD.rooms },
    "white space": JSON.stringify(RECORD, null, 1),
    "pins out of their order": { ...RECORD, pins: [BOB, ALICE] },
    "a pin twice": { ...RECORD, pins: [ALICE, ALICE] },
    "a name in two spellings": { ...RECORD, pins: [ALICE, { ...ALICE, name: "ALICE" }] },
    "a name that is none": { ...RECORD, pins: [{ ...ALICE, name: "al ice" }] },
    "a time that is none": { ...RECORD, pins: [{ ...ALICE, since: "2026-02-30T00:00:00.000Z" }] },
    "a key of 33 bytes": { ...RECORD, pins: [{ ...ALICE, key: `${text32(1)}A` }] },
    "no key of before": { ...RECORD, pins: [{ ...CAROL, former: [] }] },
    "five keys of before": { ...RECORD, pins: [{ ...CAROL, former: Array(5).fill(text32(3)) }] },
    "a changed key of null": { ...RECORD, pins: [{ ...ALICE, changed: null }] },
  })
) {
  Deno.test(`a record with ${what} is refused`, () => refuses(decodeAccountRecord, json(value)));
}

Deno.test("what is wrong with a record is not told with its contents: they hold keys", () => {
  const secret = text32(9);
  for (const bytes of [json({ seed: `${secret}x`, pins: [] }), json(`{"seed":"${secret}`)]) {
    try {
      decodeAccountRecord(bytes);
      assert.fail("it was taken");
    } catch (error) {
      assert.ok(!Deno.inspect(error).includes(secret.slice(0, 8)));
    }
  }
});

/** So many people and rooms with the longest names, people with a changed key each, as JSON. */
function crowd(size: number, count = size): Uint8Array {
  const pins = Array.from({ length: size }, (_, at) => ({
    ...{ ...BOB, name: `u${String(at).padStart(31, "0")}` },
  }));
  const rooms = Array.from({ length: count }, (_, at) => `r${String(at).padStart(31, "0")}`);
  return json({ ...RECORD, pins, rooms });
}

Deno.test("a record holds so many people and rooms, and not one more, and fits into a blob", () => {
  assert.equal(MAX_CONTACTS, MAX_KNOWN_ROOMS);
  for (const size of [MAX_CONTACTS - 1, MAX_CONTACTS]) {
    const bytes = crowd(size);
    assert.equal(decodeAccountRecord(bytes).contacts.size, size);
    assert.ok(bytes.length < MAX_BLOB_CONTENT_BYTES, `${bytes.length}`);
  }
  refuses(decodeAccountRecord, crowd(MAX_CONTACTS + 1, 0));
  refuses(decodeAccountRecord, crowd(0, MAX_KNOWN_ROOMS + 1));
});
