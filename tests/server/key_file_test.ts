/**
 * The key file: made privately, read as Python's `MultiFernet` would, refused in one line.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EnvironmentError } from "../../lib/errors.ts";
import { FernetKey, KeyRing } from "../../lib/fernet.ts";
import { MAX_RING_KEYS } from "../../lib/protocol/limits.ts";
import {
  isReadableByOthers,
  loadKeyFile,
  loadOrCreateKeyFile,
  rotateKeyFile,
} from "../../lib/server/key_file.ts";
import { assertThrows, TempFolder, TestServer } from "../attacks/server.ts";

const windows = Deno.build.os === "windows";

function assertUnusable(path: string, reason: RegExp): void {
  const error = assertThrows(
    () => loadOrCreateKeyFile(path),
    EnvironmentError,
    "key-file-unusable",
  );
  assert.ok(error.message.includes(path));
  assert.match(error.message, reason);
  assert.doesNotMatch(error.message, /\n/);
  assert.match(error.hint ?? "", /a new one/);
}

Deno.test("loadOrCreateKeyFile() makes a file with one new key, and reads it again", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const made = loadOrCreateKeyFile(path);
  assert.equal(made.keys.length, 1);
  assert.equal(Deno.readTextFileSync(path), `${made.primary}\n`);
  assert.equal(loadOrCreateKeyFile(path).toString(), made.toString());
  assert.notEqual(loadOrCreateKeyFile(folder.file("others")).toString(), made.toString());
});

Deno.test("a key file that was made can be read by its owner alone", { ignore: windows }, () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  loadOrCreateKeyFile(path);
  assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  assert.equal(isReadableByOthers(path), false);
  for (const mode of [0o640, 0o604, 0o620, 0o677]) {
    Deno.chmodSync(path, mode);
    assert.equal(isReadableByOthers(path), true, mode.toString(8));
  }
});

Deno.test("loadOrCreateKeyFile() reads a ring, newest first, with comments and blank lines", () => {
  using folder = new TempFolder();
  const keys = [FernetKey.generate(), FernetKey.generate()];
  const path = folder.file("keys");
  Deno.writeTextFileSync(path, `# newest first\n${keys[0]}\r\n\n${keys[1]}`);
  assert.equal(loadOrCreateKeyFile(path).toString(), new KeyRing(keys).toString());
});

Deno.test("loadOrCreateKeyFile() refuses what holds no keys, and leaves it as it is", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  for (const [text, reason] of [["", /no keys/], ["# none\n", /no keys/]] as const) {
    Deno.writeTextFileSync(path, text);
    assertUnusable(path, reason);
    assert.equal(Deno.readTextFileSync(path), text);
  }
});

Deno.test("loadOrCreateKeyFile() names the line that is not a key, never what it holds", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const secret = FernetKey.generate().toString().slice(1);
  Deno.writeTextFileSync(path, `${FernetKey.generate()}\n${secret}\n`);
  assertUnusable(path, /line 2/);
  const error = assertThrows(
    () => loadOrCreateKeyFile(path),
    EnvironmentError,
    "key-file-unusable",
  );
  assert.ok(!error.message.includes(secret) && !String(error.stack).includes(secret));
});

Deno.test("loadOrCreateKeyFile() reads 64 KiB, and nothing larger", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const key = FernetKey.generate();
  const size = 64 * 1024;
  for (const bytes of [size - 1, size]) {
    Deno.writeTextFileSync(path, `${key}\n`.padEnd(bytes, "\n"));
    assert.equal(loadOrCreateKeyFile(path).primary.id, key.id);
  }
  Deno.writeTextFileSync(path, `${key}\n`.padEnd(size + 1, "\n"));
  assertUnusable(path, /too large/);
});

Deno.test("loadOrCreateKeyFile() refuses a folder, and a file in a folder that is not there", () => {
  using folder = new TempFolder();
  assertUnusable(folder.file("none/keys"), /folder does not exist/);
  assertUnusable(folder.path, /directory/i);
});

Deno.test("a server keeps its key over a restart with a key file, and not without", async () => {
  using folder = new TempFolder();
  const keyFile = folder.file("keys");
  const keyOf = async (options: { keyFile?: string }): Promise<string> => {
    await using server = await TestServer.start([], { ...options, db: folder.file("a.db") });
    return server.key;
  };
  assert.equal(await keyOf({ keyFile }), await keyOf({ keyFile }));
  assert.notEqual(await keyOf({}), await keyOf({}));
});

/** The names in a folder. */
function namesIn({ path }: TempFolder): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

Deno.test("rotateKeyFile() puts a new key in front and keeps all else, comments too", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const before = `# of 2026\r\n${FernetKey.generate()}\n\n${FernetKey.generate()}`;
  Deno.writeTextFileSync(path, before);
  const old = loadKeyFile(path);
  const ring = rotateKeyFile(path);
  assert.equal(Deno.readTextFileSync(path), `${ring.primary}\n${before}`);
  assert.equal(loadKeyFile(path).toString(), ring.toString());
  assert.deepEqual(ring.keys.slice(1).map(String), old.keys.map(String));
  assert.equal(old.find(ring.primary.id), undefined);
  assert.deepEqual(namesIn(folder), ["keys"]);
});

Deno.test("rotateKeyFile() keeps the mode, and a link to the file", { ignore: windows }, () => {
  using folder = new TempFolder();
  const [path, link] = [folder.file("keys"), folder.file("link")];
  loadOrCreateKeyFile(path);
  Deno.symlinkSync("keys", link);
  for (const mode of [0o600, 0o640]) {
    Deno.chmodSync(path, mode);
    const ring = rotateKeyFile(link);
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, mode);
    assert.equal(loadKeyFile(path).toString(), ring.toString());
  }
  assert.ok(Deno.lstatSync(link).isSymlink);
});

Deno.test("rotateKeyFile() replaces the file: who has the old one open reads it to its end", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const old = loadOrCreateKeyFile(path).toString();
  using open = Deno.openSync(path);
  rotateKeyFile(path);
  const bytes = new Uint8Array(1024);
  assert.equal(new TextDecoder().decode(bytes.subarray(0, open.readSync(bytes) ?? 0)), old);
});

Deno.test("rotateKeyFile() adds the last key that fits, and no more: nothing is changed", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const keys = Array.from({ length: MAX_RING_KEYS - 1 }, () => FernetKey.generate());
  Deno.writeTextFileSync(path, new KeyRing(keys).toString());
  assert.equal(rotateKeyFile(path).keys.length, MAX_RING_KEYS);
  const full = Deno.readTextFileSync(path);
  const error = assertThrows(() => rotateKeyFile(path), EnvironmentError, "key-ring-full");
  assert.match(error.hint ?? "", /key show/);
  assert.equal(Deno.readTextFileSync(path), full);
  assert.deepEqual(namesIn(folder), ["keys"]);
});

Deno.test("rotateKeyFile() never makes a file that is too large to be read", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const text = `${FernetKey.generate()}\n`.padEnd(64 * 1024 - 44, "#");
  Deno.writeTextFileSync(path, text);
  assertThrows(() => rotateKeyFile(path), EnvironmentError, "key-file-unusable");
  assert.equal(Deno.readTextFileSync(path), text);
  Deno.writeTextFileSync(path, text.slice(0, -1));
  assert.equal(rotateKeyFile(path).keys.length, 2);
});

Deno.test("rotateKeyFile() waits for nobody: while another rotates, it changes nothing and says so", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const ring = loadOrCreateKeyFile(path);
  Deno.writeTextFileSync(`${path}.new`, "another's");
  const error = assertThrows(() => rotateKeyFile(path), EnvironmentError, "key-file-busy");
  assert.match(error.hint ?? "", /remove that file/);
  assert.equal(Deno.readTextFileSync(`${path}.new`), "another's");
  assert.equal(loadKeyFile(path).toString(), ring.toString());
});

Deno.test("rotateKeyFile() of a file that is missing or damaged leaves it so", () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  assertThrows(() => rotateKeyFile(path), EnvironmentError, "key-file-unusable");
  Deno.writeTextFileSync(path, "no key");
  assertThrows(() => rotateKeyFile(path), EnvironmentError, "key-file-unusable");
  assert.equal(Deno.readTextFileSync(path), "no key");
  assert.deepEqual(namesIn(folder), ["keys"]);
});
