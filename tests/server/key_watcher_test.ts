/**
 * The watch over a key file: new keys are taken, and what is wrong with the file changes nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EnvironmentError } from "../../lib/errors.ts";
import { FernetKey, type KeyRing } from "../../lib/fernet.ts";
import { loadKeyFile, loadOrCreateKeyFile, rotateKeyFile } from "../../lib/server/key_file.ts";
import { type KeyWatcher, watchKeyFile } from "../../lib/server/key_watcher.ts";
import { TempFolder } from "../attacks/server.ts";

/** A key file, and a watch over it that notes what it says. */
class Watched implements Disposable {
  readonly #folder = new TempFolder();
  readonly path = this.#folder.file("keys");
  readonly first = loadOrCreateKeyFile(this.path);
  /** The rings and errors that it said, in order. */
  readonly said: (KeyRing | EnvironmentError)[] = [];
  readonly watcher: KeyWatcher;
  #heard = Promise.withResolvers<void>();

  /** Without `pollMs`, it looks when it is told to. */
  constructor(pollMs?: number) {
    const hear = (what: KeyRing | EnvironmentError): void => {
      this.said.push(what);
      this.#heard.resolve();
    };
    this.watcher = watchKeyFile(this.path, {
      ring: this.first,
      onChange: hear,
      onError: (error) => hear(error as EnvironmentError),
      pollMs: pollMs ?? 2 ** 31 - 1,
    });
  }

  write(text: string): void {
    Deno.writeTextFileSync(this.path, text);
  }

  /** Waits for it to say something more; returns that. */
  async heard(): Promise<KeyRing | EnvironmentError> {
    const alive = setInterval(() => {}, 60_000); // as a listener does for a server
    await this.#heard.promise;
    clearInterval(alive);
    this.#heard = Promise.withResolvers();
    return this.said.at(-1) as KeyRing | EnvironmentError;
  }

  [Symbol.dispose](): void {
    this.watcher.close();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("a rotated key is taken without a word from anybody", async () => {
  using watched = new Watched(1);
  const ring = rotateKeyFile(watched.path);
  assert.equal(String(await watched.heard()), ring.toString());
  const next = rotateKeyFile(watched.path);
  assert.equal(String(await watched.heard()), next.toString());
  assert.equal(watched.said.length, 2);
});

Deno.test("a key written by hand is taken too, of the same length and in the same file", async () => {
  using watched = new Watched(1);
  watched.write("no key");
  await watched.heard();
  const key = FernetKey.generate();
  watched.write(`${key}\n`);
  assert.equal(String(await watched.heard()), `${key}\n`);
});

Deno.test("check() looks at once, and says nothing while the keys are the same", () => {
  using watched = new Watched();
  watched.watcher.check();
  watched.write(`# the same\n${watched.first}`);
  watched.watcher.check();
  assert.deepEqual(watched.said, []);
  const ring = rotateKeyFile(watched.path);
  watched.watcher.check();
  watched.watcher.check();
  assert.deepEqual(watched.said.map(String), [ring.toString()]);
});

Deno.test("a file that is damaged, emptied or gone is an error, and no change of keys", () => {
  using watched = new Watched();
  for (
    const spoil of [
      () => watched.write("no key"),
      () => watched.write(""),
      () => Deno.removeSync(watched.path),
    ]
  ) {
    spoil();
    watched.watcher.check();
    const error = watched.said.pop();
    assert.ok(error instanceof EnvironmentError && error.code === "key-file-unusable");
  }
  watched.write(watched.first.toString());
  watched.watcher.check();
  assert.deepEqual(watched.said, [], "the first ring was in use all the time");
});

Deno.test("a fault is said once a change, however often it is looked at", async () => {
  using watched = new Watched(1);
  const ring = rotateKeyFile(watched.path);
  await watched.heard();
  watched.write("no key");
  assert.ok(await watched.heard() instanceof EnvironmentError);
  // Turns of the loop, in each of which it looks.
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  watched.write(ring.toString());
  rotateKeyFile(watched.path);
  await watched.heard();
  assert.equal(watched.said.length, 3);
});

Deno.test("a change between the server's reading and the watch's beginning is not missed", async () => {
  using folder = new TempFolder();
  const path = folder.file("keys");
  const ring = loadOrCreateKeyFile(path);
  rotateKeyFile(path);
  const changed = Promise.withResolvers<KeyRing>();
  const alive = setInterval(() => {}, 60_000);
  const watcher = watchKeyFile(path, {
    ring,
    onChange: changed.resolve,
    onError: changed.reject,
    pollMs: 1,
  });
  assert.equal(String(await changed.promise), loadKeyFile(path).toString());
  watcher.close();
  clearInterval(alive);
});
