/**
 * What two people compare to be sure of each other's identity keys: the same on both sides, and
 * another one if anybody stands between them.
 *
 * Each account has a fingerprint, as in Signal's numeric fingerprints: SHA-512 again and again over
 * its key and its name. The repetition makes each try of one who looks for a key with the same
 * fingerprint 5200 times as dear. Both fingerprints are shown, the smaller first, and not a hash of
 * the two: else it would be enough to find any two keys that match, which is far easier.
 *
 * @module
 */

import { wordlist } from "@scure/bip39/wordlists/english.js";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { foldName } from "../folded_name.ts";
import { encodeFrames } from "../framing.ts";

/** An account and its identity key. */
export interface Identified {
  readonly user: string;
  /** Ed25519: 32 bytes. */
  readonly key: Uint8Array;
}

/** Both forms of a safety number. Whoever compares needs only one. */
export interface SafetyNumber {
  /** Twelve groups of five digits, with blanks between them: 99 bits of each account. */
  readonly digits: string;
  /** Sixteen words of BIP 39's English list: 88 bits of each account. */
  readonly words: readonly string[];
}

const LABEL = "fernchat safety number v1";
const ITERATIONS = 5200;
const GROUPS = 6;
const WORDS = 8;
const BYTES_PER_GROUP = 5;
const BITS_PER_WORD = 11;

/** The safety number of two accounts, in whatever order. Takes some milliseconds. */
export function safetyNumber(one: Identified, other: Identified): SafetyNumber {
  const [first, second] = [fingerprint(one), fingerprint(other)].sort(Buffer.compare);
  const both = [first as Uint8Array, second as Uint8Array];
  return { digits: both.flatMap(digitGroups).join(" "), words: both.flatMap(words) };
}

/** 64 bytes. */
function fingerprint({ user, key }: Identified): Uint8Array {
  const encoder = new TextEncoder();
  const name = encoder.encode(foldName(user));
  let hash = createHash("sha512").update(encodeFrames([encoder.encode(LABEL), key, name])).digest();
  for (let round = 1; round < ITERATIONS; round++) {
    hash = createHash("sha512").update(hash).update(key).digest();
  }
  return hash;
}

/** Signal's: five bytes as a number, of which the last five decimal digits. */
function digitGroups(hash: Uint8Array): string[] {
  const view = new DataView(hash.buffer, hash.byteOffset);
  return Array.from({ length: GROUPS }, (_, group) => {
    const at = group * BYTES_PER_GROUP;
    const number = view.getUint8(at) * 2 ** 32 + view.getUint32(at + 1);
    return String(number % 100_000).padStart(5, "0");
  });
}

/** Eleven bits for each word, from the first ones on. */
function words(hash: Uint8Array): string[] {
  const bits = Array.from(hash, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: WORDS }, (_, at) => {
    const index = parseInt(bits.slice(at * BITS_PER_WORD, (at + 1) * BITS_PER_WORD), 2);
    return wordlist[index] as string;
  });
}
