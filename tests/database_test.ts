/**
 * Opening the server's file: what is created, and which error each unusable file gives. These run
 * as root too, so that no test rests on file permissions.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import {
  databaseError,
  openDatabase,
  serveOthers,
  transaction,
  tryTransaction,
} from "../lib/database.ts";
import { EnvironmentError, ExitCode } from "../lib/errors.ts";
import { assertThrows, TempFolder } from "./attacks/server.ts";

/** Opening fails as an EnvironmentError of this code, in one line that says what to do. */
function assertRefused(path: string, code: string, hint: RegExp): void {
  const error = assertThrows(() => openDatabase(path).close(), EnvironmentError, code);
  assert.ok(error.message.includes(path), error.message);
  assert.doesNotMatch(error.message, /\n/);
  assert.match(error.hint ?? "", hint);
  assert.equal(error.exitCode, ExitCode.failure);
  if (code !== "database-newer") assert.ok(error.cause instanceof Error);
}

Deno.test("openDatabase() makes a file that only its owner may read, journals too", {
  ignore: Deno.build.os === "windows",
}, () => {
  using folder = new TempFolder();
  const path = folder.file("new.db");
  const database = openDatabase(path);
  database.exec("INSERT INTO secrets VALUES ('a', 'b')");
  for (const file of Deno.readDirSync(folder.path)) {
    assert.equal((Deno.statSync(folder.file(file.name)).mode ?? 0) & 0o777, 0o600, file.name);
  }
  assert.ok(Deno.statSync(`${path}-wal`).size > 0);
  database.close();
});

Deno.test("openDatabase() keeps what is in a file of its own, and takes an empty file", () => {
  using folder = new TempFolder();
  const path = folder.file("own.db");
  Deno.writeFileSync(path, new Uint8Array());
  for (const count of [0, 1, 2]) {
    const database = openDatabase(path);
    const row = database.prepare("SELECT count(*) AS count FROM secrets").get();
    assert.equal(row?.["count"], count);
    database.prepare("INSERT INTO secrets VALUES (?, 'kept')").run(`name ${count}`);
    database.close();
  }
});

Deno.test("openDatabase() makes commits survive a power cut, in the write-ahead log", () => {
  using folder = new TempFolder();
  const database = openDatabase(folder.file("new.db"));
  assert.equal(database.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
  assert.equal(database.prepare("PRAGMA synchronous").get()?.["synchronous"], 2); // FULL
  database.close();
});

Deno.test("openDatabase() refuses another program's SQLite file, and leaves it as it is", () => {
  using folder = new TempFolder();
  for (const setup of ["CREATE TABLE theirs (a)", "PRAGMA application_id = 1"]) {
    const path = folder.file(`foreign-${setup.length}.db`);
    const foreign = new DatabaseSync(path);
    foreign.exec(setup);
    foreign.close();
    const before = Deno.readFileSync(path);
    assertRefused(path, "database-foreign", /another file with --db/);
    assert.deepEqual(Deno.readFileSync(path), before);
  }
});

Deno.test("openDatabase() refuses a file that is not SQLite's, and leaves it as it is", () => {
  using folder = new TempFolder();
  const path = folder.file("letter.txt");
  const text = "Dear diary, this is no database.\n".repeat(100);
  Deno.writeTextFileSync(path, text);
  assertRefused(path, "database-foreign", /another file with --db/);
  assert.equal(Deno.readTextFileSync(path), text);
});

Deno.test("openDatabase() refuses a file of a newer version, and leaves it as it is", () => {
  using folder = new TempFolder();
  const path = folder.file("newer.db");
  const database = openDatabase(path);
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  assert.ok(version >= 1);
  database.exec(`PRAGMA user_version = ${version + 1}`);
  database.close();
  const before = Deno.readFileSync(path);
  assertRefused(path, "database-newer", /run that version/);
  assert.deepEqual(Deno.readFileSync(path), before);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["newer.db"]);
});

Deno.test("openDatabase() refuses a path in a folder that does not exist", () => {
  using folder = new TempFolder();
  assertRefused(folder.file("none/chat.db"), "database-unwritable", /folder/);
});

Deno.test("what is wrong is never read from the words of the path", () => {
  using folder = new TempFolder();
  for (const word of ["full", "locked", "malformed", "readonly", "busy-lecture"]) {
    assertRefused(folder.file(`${word}/chat.db`), "database-unwritable", /folder/);
    Deno.mkdirSync(folder.file(word));
    assertRefused(folder.file(word), "database-unwritable", /folder/);
  }
});

Deno.test("openDatabase() refuses a path below a file, and a folder", () => {
  using folder = new TempFolder();
  Deno.writeTextFileSync(folder.file("file"), "");
  assertRefused(folder.file("file/chat.db"), "database-unwritable", /folder/);
  assertRefused(folder.path, "database-unwritable", /folder/);
});

Deno.test("openDatabase() refuses a damaged file", () => {
  using folder = new TempFolder();
  const path = folder.file("damaged.db");
  const database = openDatabase(path);
  database.close();
  const bytes = Deno.readFileSync(path);
  bytes.fill(0x5a, 100, 4096); // behind the header: the page of the schema
  Deno.writeFileSync(path, bytes);
  assertRefused(path, "database-damaged", /restore/);
});

Deno.test("openDatabase() refuses a file that was cut off", () => {
  using folder = new TempFolder();
  const path = folder.file("short.db");
  openDatabase(path).close();
  Deno.truncateSync(path, 3000); // less than its first page
  const error = assertThrows(() => openDatabase(path), EnvironmentError, "database-damaged");
  assert.match(error.hint ?? "", /restore/);
});

Deno.test("a file that another program has locked gives database-locked", () => {
  using folder = new TempFolder();
  const path = folder.file("locked.db");
  const [one, other] = [openDatabase(path), openDatabase(path)];
  one.exec("BEGIN IMMEDIATE");
  other.exec("PRAGMA busy_timeout = 0"); // openDatabase() waits for 5 s
  const act = (): never => {
    try {
      transaction(other, () => {});
    } catch (error) {
      throw databaseError(path, error);
    }
    assert.fail("it was not locked");
  };
  const error = assertThrows(act, EnvironmentError, "database-locked");
  assert.match(error.hint ?? "", /end that program/);
  for (const handle of [one, other]) handle.close();
});

Deno.test("transaction() does all of its work or none", () => {
  using folder = new TempFolder();
  const database = openDatabase(folder.file("new.db"));
  const failure = new Error("in the middle");
  const act = (): void =>
    transaction(database, () => {
      database.exec("INSERT INTO secrets VALUES ('a', 'b')");
      throw failure;
    });
  assert.throws(act, (error) => error === failure);
  assert.equal(database.prepare("SELECT count(*) AS count FROM secrets").get()?.["count"], 0);
  assert.equal(transaction(database, () => "done"), "done"); // it is not inside one any more
  database.close();
});

Deno.test("openDatabase() waits for others for long, serveOthers() shortly, tryTransaction() never", () => {
  using folder = new TempFolder();
  const database = openDatabase(folder.file("new.db"));
  const timeout = (): unknown => database.prepare("PRAGMA busy_timeout").get()?.["timeout"];
  assert.equal(timeout(), 5_000);
  serveOthers(database);
  assert.equal(timeout(), 50);
  assert.equal(tryTransaction(database, timeout), 0);
  assert.equal(timeout(), 50);
  database.close();
});

Deno.test("transaction() joins the one around it: both happen, or neither", () => {
  using folder = new TempFolder();
  const database = openDatabase(folder.file("a.db"));
  const other = openDatabase(folder.file("a.db"));
  const insert = (name: string) => (): void =>
    transaction(database, () => {
      database.prepare("INSERT INTO secrets VALUES (?, 'x')").run(name);
    });
  const stored = (): unknown[] =>
    other.prepare("SELECT name FROM secrets ORDER BY name").all().map(({ name }) => name);
  transaction(database, () => {
    insert("inner")();
    assert.deepEqual(stored(), [], "not before the outer one ends");
    insert("outer")();
  });
  assert.deepEqual(stored(), ["inner", "outer"]);
  const failing = (): void =>
    transaction(database, () => {
      insert("lost")();
      throw new RangeError("no");
    });
  assert.throws(failing, RangeError);
  assert.throws(() => transaction(database, insert("inner")), /UNIQUE/);
  assert.deepEqual(stored(), ["inner", "outer"]);
  insert("later")(); // one that failed is over
  assert.deepEqual(stored(), ["inner", "later", "outer"]);
  for (const one of [database, other]) one.close();
});

Deno.test("transactions on two handles do not join each other", () => {
  using folder = new TempFolder();
  const [one, other] = [openDatabase(folder.file("a.db")), openDatabase(folder.file("a.db"))];
  serveOthers(other);
  transaction(one, () => {
    assert.throws(() => transaction(other, () => {}), /database is locked/);
  });
  for (const database of [one, other]) database.close();
});

/** A database with one row that was stored, in a folder of its own. */
class Stored implements Disposable {
  readonly #folder = new TempFolder();
  readonly path = this.#folder.file("data/a.db");
  readonly database: DatabaseSync;

  constructor() {
    Deno.mkdirSync(this.#folder.file("data"));
    this.database = openDatabase(this.path);
    this.store("first");
  }

  /** As the server's parts do it. */
  store(name: string): void {
    try {
      transaction(
        this.database,
        () => this.database.prepare("INSERT INTO secrets VALUES (?, 'x')").run(name),
      );
    } catch (error) {
      throw databaseError(this.path, error);
    }
  }

  assertGone(says: RegExp): void {
    const error = assertThrows(() => this.store("lost"), EnvironmentError, "database-gone");
    assert.match(`${error.message}: ${error.hint}`, says);
  }

  [Symbol.dispose](): void {
    this.database.close();
    this.#folder[Symbol.dispose]();
  }
}

const LOSSES: readonly { name: string; lose(path: string): void; says: RegExp }[] = [
  {
    name: "the folder is removed",
    lose: (path) => Deno.removeSync(path.replace(/\/[^/]*$/, ""), { recursive: true }),
    says: /was removed or replaced while in use: put it back/,
  },
  {
    name: "the file is moved away",
    lose: (path) => Deno.renameSync(path, `${path}.old`),
    says: /was removed or replaced while in use: put it back/,
  },
  {
    name: "another file takes its place",
    lose(path): void {
      Deno.copyFileSync(path, `${path}.copy`);
      Deno.renameSync(`${path}.copy`, path);
    },
    says: /was removed or replaced while in use: put it back/,
  },
  {
    name: "the journal is removed",
    lose: (path) => Deno.removeSync(`${path}-wal`),
    says: /has lost its journal .*: start the server again/,
  },
];

for (const { name, lose, says } of LOSSES) {
  Deno.test(`transaction() says that nothing is stored once ${name}`, {
    ignore: Deno.build.os === "windows", // which keeps open files in their places
  }, () => {
    using stored = new Stored();
    lose(stored.path);
    stored.assertGone(says);
    stored.assertGone(says);
  });
}

Deno.test("what was stored before its journal was removed is in the file when that is noticed", {
  ignore: Deno.build.os === "windows",
}, () => {
  using stored = new Stored();
  Deno.removeSync(`${stored.path}-wal`);
  stored.assertGone(/journal/);
  // As after a crash: the file alone.
  using folder = new TempFolder();
  Deno.copyFileSync(stored.path, folder.file("a.db"));
  const copy = openDatabase(folder.file("a.db"));
  assert.ok(copy.prepare("SELECT 1 FROM secrets WHERE name = 'first'").get());
  copy.close();
});

Deno.test("a database that is back in its place stores again", {
  ignore: Deno.build.os === "windows",
}, () => {
  using stored = new Stored();
  const { path } = stored;
  Deno.renameSync(path, `${path}.old`);
  stored.assertGone(/put it back/);
  Deno.renameSync(`${path}.old`, path);
  stored.store("second");
});

Deno.test("a database behind a symbolic link is the one that the link names", {
  ignore: Deno.build.os === "windows",
}, () => {
  using folder = new TempFolder();
  const [link, file] = [folder.file("link.db"), folder.file("file.db")];
  openDatabase(file).close();
  Deno.symlinkSync(file, link);
  const database = openDatabase(link);
  transaction(database, () => database.exec("INSERT INTO secrets VALUES ('a', 'x')"));
  Deno.removeSync(`${file}-wal`);
  assert.throws(() => transaction(database, () => {}), /another file now, or none/);
  database.close();
});

Deno.test("databaseError() keeps an EnvironmentError, and names an unknown failure's reason", () => {
  const known = new EnvironmentError("database-newer", "newer");
  assert.equal(databaseError("a.db", known), known);
  const unknown = databaseError("a.db", new Error("the moon is wrong"));
  assert.equal(unknown.code, "database-failed");
  assert.match(unknown.hint ?? "", /the moon is wrong/);
});

Deno.test("databaseError() tells a full disk from a failing one, whatever SQLite calls it", () => {
  const failure = (details: object): Error =>
    Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", ...details });
  assert.equal(databaseError("a.db", failure({})).code, "disk-failed");
  assert.equal(databaseError("a.db", failure({ errcode: 778 })).code, "disk-failed"); // a write
  assert.equal(databaseError("a.db", failure({ errcode: 4874 })).code, "disk-full"); // the -shm file
});
