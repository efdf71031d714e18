/**
 * Arbitrary values of the project's own kinds, for fast-check: names, times, tokens, keys, texts.
 *
 * @module
 */

import fc from "fast-check";
import { FernetKey } from "../../lib/fernet.ts";
import type { Envelope } from "../../lib/rooms/payload.ts";

/** Bytes of exactly this many. */
export function bytesOf(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length });
}

/** Any UTF-16 unit. Not fast-check's own unit `binary`, which takes 1.5 s to get ready. */
const anyUnit = fc.nat(0xffff).map((unit) => String.fromCharCode(unit));

/** A text of up to this many UTF-16 units, any of them: also ill-formed, also control characters. */
export function anyText(maxLength: number): fc.Arbitrary<string> {
  const units = [
    anyUnit,
    fc.nat(0x9f).map((code) => String.fromCharCode(code)),
    "grapheme",
  ] as const;
  return fc.oneof(...units.map((unit) => fc.string({ unit, maxLength })))
    .map((text) => text.slice(0, maxLength));
}

/** The same where it is Unicode. */
export function wellFormedText(maxLength: number): fc.Arbitrary<string> {
  return anyText(maxLength).map((text) => text.toWellFormed());
}

/** The name of an account. */
export const accountName = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/);

/** The name of a room. */
export const roomName = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,31}$/);

/** The id of a message. */
export const messageId = fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/);

/** ISO 8601 in UTC with milliseconds, from the year 0 to 9999. */
export const timestamp = fc.date({
  min: new Date("0000-01-01T00:00:00.000Z"),
  max: new Date("9999-12-31T23:59:59.999Z"),
  noInvalidDate: true,
}).map((date) => date.toISOString());

/** A place in a room's log, or 0 before the first. */
export const sequence = fc.maxSafeNat();

/** SHA-256 in hex. */
export const chainValue = fc.stringMatching(/^[0-9a-f]{64}$/);

/** The id of a key. */
export const keyId = fc.stringMatching(/^[0-9a-f]{8}$/);

/** A Fernet key. */
export const fernetKey = bytesOf(32).map((bytes) => FernetKey.fromBytes(bytes));

/** A Fernet token by its looks: what a server cannot open, it cannot know better. */
export const tokenText = fc.oneof(
  fc.tuple(fernetKey, fc.uint8Array({ maxLength: 100 })).map(([key, bytes]) => key.encrypt(bytes)),
  fc.stringMatching(/^gAAAA[A-Za-z0-9_=-]{1,100}$/),
);

/** What stands beside a token. */
export const envelope: fc.Arbitrary<Envelope> = fc.record({
  room: roomName,
  sender: accountName,
  id: messageId,
  sent_at: timestamp,
}, { noNullPrototype: true });
