/**
 * The rule of account names: which a new account can have, alone and beside others.
 *
 * @module
 */

import assert from "node:assert/strict";
import { checkDistinct, checkName, looksLike } from "../../lib/auth/names.ts";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";

Deno.test("names that people have are taken, also those that are nearly reserved ones", () => {
  for (const name of ["alice", "Ali", "ALI", "Ian", "you2", "r.root-7", "7", "Mia_Moreno"]) {
    checkName(name);
  }
});

const LOOK_ALIKES = ["\uff35ser1", "\u0430dmin", "u\u0455er1", "user\u0661", "us\u00ebr1"];
const BLANKS = ["user1 ", " user1", "us er1", "user1\t", "user1\u00a0", "user1\u3000", "user1\n"];
const INVISIBLE = ["user\u200b1", "user1\u202e", "\ufeffuser1", "user1\u{e0001}", "user\ud8001"];
const ESCAPES = ["\x1b[2Juser1", "\x9b31m", "user1\x07", "user1\0", "\x7f"];
const PATHS = ["../x", "/etc/passwd", "a/b", "a\\b", "..", ".", "-rf", "_x", ".x", "~", "a:b"];

Deno.test("name-invalid: look-alikes, blanks, what is invisible, escapes, paths, and what is too long", () => {
  const bad = ["", "x".repeat(33), "x".repeat(200), "\u{1f600}".repeat(200)];
  for (const name of [...bad, ...LOOK_ALIKES, ...BLANKS, ...INVISIBLE, ...ESCAPES, ...PATHS]) {
    const error = assertThrows(() => checkName(name), CallerError, "name-invalid");
    assert.match(error.message, /^[\x20-\x7e]{1,300}$/, "harmless and short at any terminal");
    assert.match(error.hint ?? "", /1 to 32 letters \(a-z\)/);
  }
});

Deno.test("name-invalid shows which name it means, with what is not ASCII as its number", () => {
  const said = (name: string): string =>
    assertThrows(() => checkName(name), CallerError, "name-invalid").message;
  assert.equal(said("\u0430dmin"), 'Not a user name: "\\u0430dmin"');
  assert.equal(said("x".repeat(200)), `Not a user name: "${"x".repeat(40)}..."`);
});

Deno.test("name-reserved: who speaks for the server, in every case and disguise", () => {
  const reserved = ["admin", "Admin", "ROOT", "console", "Fernchat", "everyone", "all", "me"];
  const disguised = [
    "adm1n",
    "adrnin",
    "Adrn1n",
    "r00t",
    "R0ot",
    "c0nsole",
    "conso1e",
    "aIl",
    "al1",
  ];
  for (const name of [...reserved, ...disguised]) {
    const error = assertThrows(() => checkName(name), CallerError, "name-reserved");
    assert.match(error.hint ?? "", /the server's or an operator's own words/);
  }
});

Deno.test("name-taken: one name in every case of letters", () => {
  for (const name of ["alice", "ALICE", "aLiCe"]) {
    const check = (): void => checkDistinct(name, ["bob", "Alice"]);
    assert.match(assertThrows(check, EnvironmentError, "name-taken").hint ?? "", /case/);
  }
});

Deno.test("name-similar: UTS #39's rows within ASCII, as written and in small letters", () => {
  const pairs = [
    ["user1", "userl"],
    ["user1", "userI"],
    ["user1", "useri"],
    ["user10", "userlo"],
    ["user0", "usero"],
    ["USER0", "userO"],
    ["Mia", "rnia"],
    ["tom", "torn"],
    ["BILL", "BlLL"],
    ["Ian", "lan"],
  ];
  for (const [one, other] of [...pairs, ...pairs.map((pair) => pair.toReversed())]) {
    assert.ok(looksLike(one as string, other as string), `${one} beside ${other}`);
    const check = (): void => checkDistinct(one as string, ["bob", other as string]);
    const error = assertThrows(check, EnvironmentError, "name-similar");
    assert.match(error.hint ?? "", /0 and o, 1 and l and i, m and rn/);
  }
});

Deno.test("name-similar: for every two short names, what looks alike is found", () => {
  const characters = [..."0oO1lLiImMrRnN"];
  const names = characters.flatMap((one) => [one, ...characters.map((other) => one + other)]);
  for (const name of names) {
    for (const other of names) {
      let code: unknown;
      try {
        checkDistinct(name, [other]);
      } catch (error) {
        code = (error as EnvironmentError).code;
      }
      const isSame = name.toLowerCase() === other.toLowerCase();
      const expected = isSame ? "name-taken" : looksLike(name, other) ? "name-similar" : undefined;
      assert.equal(code, expected, `${name} beside ${other}`);
    }
  }
});

Deno.test("names that nobody would mix up stand beside each other", () => {
  const names = ["Ian", "Lan", "bill", "bob", "user1", "user2", "user10", "user11", "a.b", "a-b"];
  for (const [at, name] of names.entries()) checkDistinct(name, names.toSpliced(at, 1));
});

Deno.test("an account from before the rule is no reason to refuse a name, and is quoted safely", () => {
  const old = ["admin", "\x1b[2J", "\u0430lice"];
  checkDistinct("alice", old);
  const error = assertThrows(() => checkDistinct("adm1n", old), EnvironmentError, "name-similar");
  assert.match(error.message, /looks like the account "admin"$/);
});
