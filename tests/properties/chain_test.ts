/**
 * The hash chain's encoding is unambiguous: what is hashed can be read back as the one list of
 * fields that it was made of, so that two lists give the same value only if SHA-256 has a collision.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { decodeFrames, encodeFrames } from "../../lib/framing.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import { utf8 } from "../protocol/pipe.ts";
import { chainValue, sequence, wellFormedText } from "./arbitraries.ts";

type Fields = Omit<LogEntry, "chain">;

/** Texts that try to look like the encoding around them: lengths as characters, and other fields. */
const field = fc.oneof(
  wellFormedText(12),
  fc.array(fc.constantFrom("\0", "\0\0\0\x01", "\0\0\0\x05", "a", "1", "lobby", "é"), {
    maxLength: 6,
  }).map((parts) => parts.join("")),
);

const fields: fc.Arbitrary<Fields> = fc.record({
  room: field,
  seq: sequence,
  sender: field,
  sentAt: field,
  keyId: field,
  messageId: field,
  token: field,
}, { noNullPrototype: true });

/** The list that PROTOCOL.md names, in its order. */
function listOf(previous: string, entry: Fields): string[] {
  const { room, seq, sender, sentAt, keyId, messageId, token } = entry;
  const label = "fernchat log entry v1";
  return [label, previous, room, String(seq), sender, sentAt, keyId, messageId, token];
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function decodeUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

Deno.test("a chain value is SHA-256 over frames, and the frames give back the fields", () => {
  fc.assert(fc.property(chainValue, fields, (previous, entry) => {
    const list = listOf(previous, entry);
    const preimage = encodeFrames(list.map(utf8));
    assert.equal(chainNext(previous, entry), sha256(preimage));
    assert.deepEqual(decodeFrames(preimage).map(decodeUtf8), list);
  }));
});

Deno.test("a room's start is SHA-256 over frames, too, with a label that no entry has", () => {
  fc.assert(fc.property(field, (room) => {
    assert.equal(chainStart(room), sha256(encodeFrames(["fernchat log start v1", room].map(utf8))));
  }));
});

Deno.test("two entries have the same chain value only if they are the same after the same", () => {
  const pairs = fc.tuple(chainValue, fields, chainValue, fields, fc.nat(2 ** 8 - 1));
  const check = ([previous, one, before, donor, which]: [
    string,
    Fields,
    string,
    Fields,
    number,
  ]): void => {
    const names = Object.keys(one) as (keyof Fields)[];
    const taken = names.filter((_, at) => (which >> at & 1) === 1);
    const other = { ...one, ...Object.fromEntries(taken.map((name) => [name, donor[name]])) };
    const otherBefore = which >> 7 === 1 ? before : previous;
    const same = isDeepStrictEqual(listOf(previous, one), listOf(otherBefore, other));
    assert.equal(chainNext(previous, one) === chainNext(otherBefore, other), same);
  };
  fc.assert(fc.property(pairs, check), { numRuns: 500 });
});
