/**
 * Fernet tokens and key files cross both ways between us and Python's `cryptography`.
 *
 * `FERNCHAT_PYTHON` names the interpreter; without it the tests are ignored where no Python has
 * the package.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FernetKey, InvalidTokenError, KeyRing, unsafeEncryptWithIv } from "../../lib/fernet.ts";
import { findPython, PythonOracle, texts } from "./fernet_support.ts";

/** A token that Python is to open, perhaps with a time to live and a clock, both in seconds. */
interface Attempt {
  token: string;
  ttl?: number;
  now?: number;
}

const python = findPython();
const key = FernetKey.generate();
const NOW = Date.parse("2026-01-01T00:00:00Z") / 1000;

function testWithPython(name: string, test: (oracle: PythonOracle) => Promise<void>): void {
  Deno.test({
    name: `Python's cryptography ${name}`,
    ignore: python === undefined,
    fn: async () => {
      await using oracle = new PythonOracle(python!);
      await test(oracle);
    },
  });
}

function decryptInPython(oracle: PythonOracle, attempts: Attempt[]): Promise<(string | null)[]> {
  return oracle.ask("decrypt", { key: `${key}`, attempts });
}

/** What our codec says to the same attempt, in the same form. */
function decryptHere({ token, ttl, now }: Attempt): string | null {
  try {
    if (ttl === undefined || now === undefined) return key.decryptText(token);
    return key.decryptText(token, { ttlSeconds: ttl, now: now * 1000 });
  } catch (error) {
    assert.ok(error instanceof InvalidTokenError);
    return null;
  }
}

testWithPython("opens our tokens, from 0 bytes to 64 KiB", async (oracle) => {
  const attempts = texts.map((text) => ({ token: key.encrypt(text) }));
  assert.deepEqual(await decryptInPython(oracle, attempts), texts);
});

testWithPython("makes tokens that we open, from 0 bytes to 64 KiB", async (oracle) => {
  const tokens = await oracle.ask<string[]>("encrypt", { key: `${key}`, texts });
  assert.deepEqual(tokens.map((token) => key.decryptText(token)), texts);
});

testWithPython("and we make the same bytes from the same IV and time", async (oracle) => {
  const tokens = await oracle.ask<string[]>("encrypt", { key: `${key}`, texts });
  for (const [index, token] of tokens.entries()) {
    const bytes = Buffer.from(token, "base64url");
    const now = Number(bytes.readBigUInt64BE(1)) * 1000;
    const ours = unsafeEncryptWithIv(key, texts[index]!, bytes.subarray(9, 25), { now });
    assert.equal(ours, token);
  }
});

testWithPython("agrees with us on the limits of age and clock skew", async (oracle) => {
  const token = key.encrypt("hello", { now: NOW * 1000 });
  const ages = [-61, -60, -59, -1, 0, 1, 59, 60, 61];
  const attempts = [0, 1, 60].flatMap((ttl) => ages.map((age) => ({ token, ttl, now: NOW + age })));
  const answers = await decryptInPython(oracle, attempts);
  assert.deepEqual(answers, attempts.map(decryptHere));
  assert.ok(answers.includes("hello") && answers.includes(null));
});

testWithPython("refuses what we refuse: any flipped bit", async (oracle) => {
  const bytes = Buffer.from(key.encrypt("hello"), "base64url");
  const attempts = Array.from({ length: bytes.length * 8 }, (_, bit) => {
    const altered = Buffer.from(bytes);
    altered[bit >> 3]! ^= 1 << (bit & 7);
    return { token: altered.toString("base64").replaceAll("+", "-").replaceAll("/", "_") };
  });
  const refused = attempts.map(() => null);
  assert.deepEqual(await decryptInPython(oracle, attempts), refused);
  assert.deepEqual(attempts.map(decryptHere), refused);
});

testWithPython("reads a ring's file as MultiFernet", async (oracle) => {
  const [newest, older, stranger] = [key, FernetKey.generate(), FernetKey.generate()];
  const ring = new KeyRing([newest, older]);
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, `${ring}`);
    const tokens = [ring.encrypt("newest"), older.encrypt("older"), stranger.encrypt("no")];
    const attempts = tokens.map((token) => ({ token }));
    const answers = await oracle.ask("decryptWithRing", { file, attempts });
    assert.deepEqual(answers, ["newest", "older", null]);
    assert.throws(() => ring.decrypt(tokens[2]!), InvalidTokenError);
  } finally {
    await Deno.remove(file);
  }
});
