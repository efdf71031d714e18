/**
 * The hash chain: every field is bound, and no two lists of fields give the same bytes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";

type Entry = Omit<LogEntry, "chain">;

const START = chainStart("lobby");
const ENTRY: Entry = {
  room: "lobby",
  seq: 1,
  sender: "alice",
  sentAt: "2026-01-01T00:00:00.000Z",
  keyId: "01234567",
  messageId: "m-1",
  token: "gAAAAABo",
};

/** The fields in the order in which they are hashed: neighbours here are neighbours there. */
const TEXT_FIELDS = ["sender", "sentAt", "keyId", "messageId", "token"] as const;

Deno.test("chainStart() and chainNext() are SHA-256 over fields with their lengths", () => {
  const hash = (fields: string[]): string => {
    const digest = createHash("sha256");
    for (const field of fields) {
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, new TextEncoder().encode(field).length);
      digest.update(length).update(field);
    }
    return digest.digest("hex");
  };
  assert.equal(START, hash(["fernchat log start v1", "lobby"]));
  const { room, sender, sentAt, keyId, messageId, token } = ENTRY;
  const fields = [START, room, "1", sender, sentAt, keyId, messageId, token];
  assert.equal(chainNext(START, ENTRY), hash(["fernchat log entry v1", ...fields]));
});

Deno.test("chainStart() differs from room to room", () => {
  assert.notEqual(chainStart("lobby"), chainStart("lobb"));
});

for (const field of Object.keys(ENTRY) as (keyof Entry)[]) {
  Deno.test(`chainNext() binds ${field}`, () => {
    const altered = { ...ENTRY, [field]: field === "seq" ? 2 : `${ENTRY[field]}x` };
    assert.notEqual(chainNext(START, altered), chainNext(START, ENTRY));
  });
}

Deno.test("chainNext() binds everything before", () => {
  const other = chainNext(chainNext(START, { ...ENTRY, token: "gAAAAABp" }), ENTRY);
  assert.notEqual(other, chainNext(chainNext(START, ENTRY), ENTRY));
});

Deno.test("chainNext() changes when a character moves from one field to the next", () => {
  for (const [at, field] of TEXT_FIELDS.slice(0, -1).entries()) {
    const next = TEXT_FIELDS[at + 1] as typeof field;
    const moved = {
      ...ENTRY,
      [field]: ENTRY[field].slice(0, -1),
      [next]: ENTRY[field].slice(-1) + ENTRY[next],
    };
    assert.notEqual(chainNext(START, moved), chainNext(START, ENTRY), `${field} to ${next}`);
  }
});

Deno.test("chainNext() differs wherever the same characters are cut into fields", () => {
  const cuts = fc.array(fc.nat(12), { minLength: 4, maxLength: 4 })
    .map((unsorted) => unsorted.sort((a, b) => a - b));
  fc.assert(fc.property(fc.string({ maxLength: 12 }), cuts, cuts, (text, one, other) => {
    const [a, b] = [cut(text, one), cut(text, other)];
    const same = JSON.stringify(a) === JSON.stringify(b);
    assert.equal(chainNext(START, a) === chainNext(START, b), same);
  }));
});

function cut(text: string, [a, b, c, d]: number[]): Entry {
  return {
    ...ENTRY,
    sender: text.slice(0, a),
    sentAt: text.slice(a, b),
    keyId: text.slice(b, c),
    messageId: text.slice(c, d),
    token: text.slice(d),
  };
}
