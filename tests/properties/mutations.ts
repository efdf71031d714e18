/**
 * Small changes to what is valid, of the kinds that find mistakes in decoders: random bytes alone
 * are refused at the door.
 *
 * @module
 */

import { concat } from "../attacks/proxy.ts";
import { flipBit, utf8 } from "../protocol/pipe.ts";
import type { SeededRandom } from "./seeded_random.ts";

type Edit = (random: SeededRandom, bytes: Uint8Array, donors: readonly Uint8Array[]) => Uint8Array;

/** Lengths and numbers at the edges of what fits. */
const EDGES = [0, 1, 2, 16, 255, 256, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** Bytes that mean something to a decoder of text, of JSON, of base64, or of numbers. */
const TELLING_BYTES = [...utf8('\0\n\r "\\,:{}[]=-_+/0A'), 0x7f, 0x80, 0xc3, 0xed, 0xef, 0xff];

const BYTE_ORDER_MARK = utf8("\ufeff");

const BYTE_EDITS: readonly Edit[] = [
  (random, bytes) => bytes.length === 0 ? bytes : flipBit(bytes, random.below(bytes.length * 8)),
  (random, bytes) => replace(random, bytes, Uint8Array.of(random.pick(TELLING_BYTES))),
  (random, bytes) => bytes.subarray(0, random.below(bytes.length + 1)),
  (random, bytes) => bytes.subarray(random.length(bytes.length)),
  (random, bytes) => splice(random, bytes, new Uint8Array()),
  (random, bytes) => splice(random, bytes, random.bytes(random.length(8))),
  (random, bytes) => splice(random, bytes, piece(random, bytes)),
  (random, bytes, donors) => splice(random, bytes, piece(random, random.pick(donors))),
  (random, bytes) => replace(random, bytes, bigEndian(numberFor(random, bytes))),
  (random, bytes) => {
    const extra = random.oneIn(2) ? BYTE_ORDER_MARK : Uint8Array.of(random.pick(TELLING_BYTES));
    return concat(random.oneIn(2) ? [extra, bytes] : [bytes, extra]);
  },
];

/** The bytes with one to three changes; `donors` give pieces that are valid elsewhere. */
export function mutate(
  random: SeededRandom,
  bytes: Uint8Array,
  donors: readonly Uint8Array[],
): Uint8Array {
  let mutant = bytes;
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    mutant = random.pick(BYTE_EDITS)(random, mutant, donors);
  }
  return mutant;
}

/** Characters that mean something to a parser of text, or to a terminal. */
const TELLING_CHARACTERS = [
  ...'\0\n\t "\\#/:[]=-+\x1b\x7f\x9b\u2028\u202e\ufeff\ufffdé٣Ａ😀',
  ...["", "\r\n", "\ud800", "\udc00"],
];

/** The text with one to three changes, some of which leave it ill-formed. */
export function mutateText(random: SeededRandom, text: string, donors: readonly string[]): string {
  let mutant = text;
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    const at = random.below(mutant.length + 1);
    const end = random.oneIn(2) ? at : Math.min(mutant.length, at + 1 + random.length(8));
    mutant = mutant.slice(0, at) + insertion(random, donors) + mutant.slice(end);
  }
  return mutant;
}

function insertion(random: SeededRandom, donors: readonly string[]): string {
  switch (random.below(4)) {
    case 0:
      return String.fromCharCode(random.below(2 ** 16));
    case 1:
      return String.fromCharCode(0x20 + random.below(0x5f));
    case 2:
      return random.pick(TELLING_CHARACTERS);
    default: {
      const donor = random.pick(donors);
      const from = random.below(donor.length + 1);
      return donor.slice(from, from + random.length(16));
    }
  }
}

/** Text of up to this many pieces: any code units, ASCII, and what means something. */
export function randomText(random: SeededRandom, most: number): string {
  return Array.from({ length: random.length(most) }, () => insertion(random, ["lobby"])).join("");
}

function splice(random: SeededRandom, bytes: Uint8Array, insert: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  const skip = insert.length === 0 || random.oneIn(2) ? random.length(8) : 0;
  return concat([bytes.subarray(0, at), insert, bytes.subarray(at + skip)]);
}

function replace(random: SeededRandom, bytes: Uint8Array, by: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  return concat([bytes.subarray(0, at), by, bytes.subarray(at + by.length)]);
}

function piece(random: SeededRandom, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  return bytes.subarray(at, at + random.length(32));
}

function numberFor(random: SeededRandom, bytes: Uint8Array): number {
  return random.oneIn(2) ? random.pick(EDGES) : Math.max(0, bytes.length - 6 + random.below(8));
}

function bigEndian(number: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}
