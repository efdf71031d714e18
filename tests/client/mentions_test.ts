/**
 * Who is meant by an `@name`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mentions } from "../../lib/client/mentions.ts";

const MENTIONED: readonly [text: string, user: string][] = [
  ["@alice", "alice"],
  ["@Alice", "aLICE"],
  ["@alice, can you?", "alice"],
  ["ask (@alice)", "alice"],
  ["@alice.", "alice"],
  ["@alice...", "alice"],
  ["is it @alice?", "alice"],
  ["@alice's turn", "alice"],
  ["@bob @alice", "alice"],
  ["@bob/@alice", "alice"],
  ["line\n@alice", "alice"],
  ["@a.b-c_d!", "a.b-c_d"],
  ["@a.", "a."],
  ["@user1", "user1"],
];

const NOT_MENTIONED: readonly [text: string, user: string][] = [
  ["alice", "alice"],
  ["x@alice", "alice"],
  ["é@alice", "alice"],
  ["1@alice.example", "alice"],
  ["@alicebob", "alice"],
  ["@alice1", "alice"],
  ["@alice.bob", "alice"],
  ["@alice-bob", "alice"],
  ["@aliceé", "alice"],
  ["@alice\u0301", "alice"],
  ["@@alice", "alice"],
  ["@ alice", "alice"],
  ["@аlice", "alice"], // Cyrillic а
  ["＠alice", "alice"],
  ["@user1", "user"],
  ["@all", "alice"],
  ["@here", "alice"],
  ["", "alice"],
];

for (const [text, user] of MENTIONED) {
  Deno.test(`${JSON.stringify(text)} mentions ${user}`, () => assert.ok(mentions(text, user)));
}

for (const [text, user] of NOT_MENTIONED) {
  Deno.test(`${JSON.stringify(text)} does not mention ${user}`, () =>
    assert.ok(!mentions(text, user)));
}

Deno.test("the longest texts are read at once, whatever they repeat", () => {
  for (const unit of ["@", "@a", "@a.", "@.", ".", "a"]) {
    for (const end of ["", "x", "é"]) {
      assert.ok(!mentions(`@b${unit.repeat(16_384 / unit.length)}${end}`, "alice"));
    }
  }
});
