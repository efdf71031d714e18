/**
 * Safety numbers: the same for both sides, another one as soon as anything differs.
 *
 * @module
 */

import { wordlist } from "@scure/bip39/wordlists/english.js";
import assert from "node:assert/strict";
import { createIdentity } from "../../lib/mls/identity.ts";
import { type Identified, safetyNumber } from "../../lib/mls/safety_number.ts";
import { unhex } from "./people.ts";

const alice: Identified = { user: "alice", key: createIdentity().publicKey };
const bob: Identified = { user: "bob", key: createIdentity().publicKey };

Deno.test("a safety number is the same on both sides, however the names are spelt", () => {
  assert.deepEqual(safetyNumber(alice, bob), safetyNumber(bob, alice));
  assert.deepEqual(safetyNumber({ ...alice, user: "Alice" }, bob), safetyNumber(alice, bob));
});

Deno.test("a safety number is twelve groups of five digits, and sixteen words of the list", () => {
  const { digits, words } = safetyNumber(alice, bob);
  assert.match(digits, /^\d{5}(?: \d{5}){11}$/);
  assert.equal(words.length, 16);
  assert.ok(words.every((word) => wordlist.includes(word)));
});

Deno.test("another key or another name gives another safety number, in every form", () => {
  const usual = safetyNumber(alice, bob);
  for (
    const other of [
      safetyNumber({ ...alice, key: createIdentity().publicKey }, bob),
      safetyNumber(alice, { ...bob, key: createIdentity().publicKey }),
      safetyNumber({ ...alice, key: alice.key.with(31, alice.key[31]! ^ 1) }, bob),
      safetyNumber({ ...alice, user: "alicia" }, bob),
      safetyNumber({ ...alice, key: bob.key }, { ...bob, key: alice.key }),
    ]
  ) {
    assert.notEqual(other.digits, usual.digits);
    assert.notDeepEqual(other.words, usual.words);
  }
});

Deno.test("both halves of a safety number stand for one account each", () => {
  const half = (number: string): string[] => [number.slice(0, 35), number.slice(36)];
  const withBob = half(safetyNumber(alice, bob).digits);
  const withCarol = half(
    safetyNumber(alice, { user: "carol", key: createIdentity().publicKey }).digits,
  );
  assert.equal(withBob.filter((one) => withCarol.includes(one)).length, 1, "alice's half is kept");
});

// Computed by a few lines of Python.
Deno.test("a safety number stays what it is from one version to the next", () => {
  const one = { user: "alice", key: unhex("01".repeat(32)) };
  const other = { user: "bob", key: unhex("02".repeat(32)) };
  const { digits, words } = safetyNumber(one, other);
  assert.equal(digits, "58544 76281 14278 77390 67679 35019 72383 20677 32153 68690 95859 88173");
  assert.equal(words.slice(0, 8).join(" "), "artist own tomorrow patient quote shrug fury cook");
  assert.equal(words.slice(8).join(" "), "chase jelly knife dilemma wrap diary oppose robot");
});
