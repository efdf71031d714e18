/**
 * The watch over the database: what others commit is noticed, one's own work is not, and nothing
 * that goes wrong ends it.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../lib/database.ts";
import { type DatabaseWatcher, watchDatabase } from "../../lib/server/database_watcher.ts";
import { TempFolder } from "../attacks/server.ts";

/** A database with a watch over it, and another process's handle on it. */
class Watched implements Disposable {
  readonly #folder = new TempFolder();
  readonly path = this.#folder.file("a.db");
  readonly database = openDatabase(this.path);
  readonly other = openDatabase(this.path);
  readonly errors: unknown[] = [];
  readonly watcher: DatabaseWatcher;
  changes = 0;
  /** What `onChange` does besides. */
  then: () => void = () => {};
  readonly #changed = Promise.withResolvers<void>();

  /** Without `pollMs`, it looks when it is told to. */
  constructor(pollMs = 2 ** 31 - 1) {
    this.watcher = watchDatabase(this.database, {
      onChange: () => {
        this.changes += 1;
        this.#changed.resolve();
        this.then();
      },
      onError: (error) => this.errors.push(error),
      pollMs,
    });
  }

  /** Waits for the first change that is noticed. */
  async changed(): Promise<void> {
    const alive = setInterval(() => {}, 60_000); // as a listener does for a server
    await this.#changed.promise;
    clearInterval(alive);
  }

  [Symbol.dispose](): void {
    this.watcher.close();
    for (const database of [this.database, this.other]) {
      if (database.isOpen) database.close();
    }
    this.#folder[Symbol.dispose]();
  }
}

let rows = 0;
function write(database: DatabaseSync): void {
  database.prepare("INSERT INTO secrets VALUES (?, 'x')").run(`row ${rows += 1}`);
}

Deno.test("what another process commits is noticed without a word from anybody", async () => {
  using watched = new Watched(1);
  write(watched.other);
  await watched.changed();
  assert.equal(watched.changes, 1);
});

Deno.test("all that was committed between two looks is one change", () => {
  using watched = new Watched();
  watched.watcher.check();
  assert.equal(watched.changes, 0);
  write(watched.other);
  write(watched.other);
  watched.watcher.check();
  watched.watcher.check();
  assert.equal(watched.changes, 1);
  write(watched.other);
  watched.watcher.check();
  assert.equal(watched.changes, 2);
});

Deno.test("neither one's own commits nor what was rolled back nor reading is a change", () => {
  using watched = new Watched();
  write(watched.database);
  watched.other.prepare("SELECT * FROM secrets").all();
  watched.other.exec("BEGIN IMMEDIATE");
  write(watched.other);
  watched.watcher.check();
  watched.other.exec("ROLLBACK");
  watched.watcher.check();
  assert.equal(watched.changes, 0);
});

Deno.test("a change that could not be dealt with is told again, its error once", () => {
  using watched = new Watched();
  const failure = new Error("locked");
  watched.then = () => {
    throw failure;
  };
  write(watched.other);
  watched.watcher.check();
  watched.watcher.check();
  assert.deepEqual([watched.changes, watched.errors], [2, [failure]]);
  watched.then = () => {};
  watched.watcher.check();
  watched.watcher.check();
  assert.deepEqual([watched.changes, watched.errors], [3, [failure]]);
});

Deno.test("a database that cannot be read is an error, and not the end of the process", () => {
  using watched = new Watched();
  watched.database.close();
  watched.watcher.check();
  watched.watcher.check();
  assert.equal(watched.errors.length, 1);
  assert.equal(watched.changes, 0);
});
