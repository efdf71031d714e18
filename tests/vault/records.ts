/**
 * What the tests of a vault's records share: samples, and the check that a record has one form.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FernchatError, PeerError } from "../../lib/errors.ts";
import { mutateJson } from "../properties/json_mutations.ts";
import { mutate } from "../properties/mutations.ts";
import { SeededRandom } from "../properties/seeded_random.ts";
import { assertThrows } from "../attacks/server.ts";
import { hex, utf8 } from "../protocol/pipe.ts";

/** 32 bytes, all the same. */
export function key32(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

/** Those bytes as records have them. */
export function text32(byte: number): string {
  return Buffer.from(key32(byte)).toString("base64url");
}

/** A value as bytes of JSON. */
export function json(value: unknown): Uint8Array {
  return utf8(typeof value === "string" ? value : JSON.stringify(value));
}

/** Passes if bytes are refused as all that is not a record is. */
export function refuses(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  assertThrows(() => decode(bytes), PeerError, "vault-invalid");
}

/** How to read and write a record. */
export interface Codec<T> {
  decode(bytes: Uint8Array): T;
  encode(record: T): Uint8Array;
}

/**
 * Passes if whatever is decoded, of bytes near to a record's and of JSON near to its JSON, encodes to
 * the same bytes, and all else is `vault-invalid`.
 *
 * @param wrap makes a record of JSON, where that is not all of it.
 */
export function assertOneForm<T>(
  { decode, encode }: Codec<T>,
  valid: Uint8Array,
  object: object,
  wrap: (json: Uint8Array) => Uint8Array = (json) => json,
): void {
  const random = new SeededRandom("records");
  let taken = 0;
  for (let left = 400; left > 0; left--) {
    const bytes = random.oneIn(2)
      ? mutate(random, valid, [valid])
      : wrap(utf8(mutateJson(random, object).toWellFormed()));
    try {
      assert.equal(hex(encode(decode(bytes))), hex(bytes));
      taken += 1;
    } catch (error) {
      assert.ok(error instanceof FernchatError, String(error));
      assert.equal(error.code, "vault-invalid");
    }
  }
  assert.ok(taken > 0 && taken < 400, `${taken} of 400 were taken`);
}
