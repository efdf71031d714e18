/**
 * The one SQLite file that the server keeps: opened, checked that it is ours, brought to the
 * current schema. Who owns which table: `lib/log/` the messages, `lib/auth/` accounts and secrets.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { EnvironmentError } from "./errors.ts";

/** "Fern" in ASCII: marks a file as ours (SQLite's `application_id`). */
const APPLICATION_ID = 0x4665726e;

/** Milliseconds to wait for another process that is writing, before giving up. */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * One step a schema version, oldest first; a step is never changed once released. The `messages`
 * table has its own integer key so that `id` is global over all rooms and counts upwards for ever.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    room       TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    sender     TEXT    NOT NULL,
    sent_at    TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    token      TEXT    NOT NULL,
    chain      TEXT    NOT NULL,
    UNIQUE (room, seq),
    UNIQUE (room, sender, message_id)
  ) STRICT;
  CREATE TABLE accounts (
    name       TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    record     TEXT NOT NULL,
    demo       INTEGER NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/**
 * Opens the database, and creates it (mode 0600) if there is none.
 *
 * @throws {EnvironmentError} if the file cannot be opened or written, is damaged, is not ours, or
 * was made by a newer version.
 */
export function openDatabase(path: string): DatabaseSync {
  try {
    createPrivately(path);
    const database = new DatabaseSync(path);
    try {
      prepare(database, path);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw databaseError(path, error);
  }
}

/**
 * Opens a database that is there already.
 *
 * @throws {EnvironmentError} as {@linkcode openDatabase}, and `database-missing`.
 */
export function openExistingDatabase(path: string): DatabaseSync {
  requireFile(path);
  return openDatabase(path);
}

/**
 * Opens a database that is there already, to read only: also while a server writes to it. Of its
 * own, SQLite may leave an empty journal (`-wal`, `-shm`) beside it.
 *
 * @throws {EnvironmentError} as {@linkcode openDatabase}, and `database-missing`.
 */
export function openDatabaseForReading(path: string): DatabaseSync {
  requireFile(path);
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
      if (checkOwnership(database, path) === 0) throw new ForeignDatabase("it has no tables");
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw databaseError(path, error);
  }
}

/** SQLite would make a file where there is none. */
function requireFile(path: string): void {
  try {
    Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof NotFound)) throw databaseError(path, error);
    throw new EnvironmentError(
      "database-missing",
      `Cannot use the database ${path}: there is no such file`,
      { cause: error, hint: "name the server's file with --db" },
    );
  }
}

/** Runs `work` in a write transaction: all of it happens, or none. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    rollback(database);
    throw error;
  }
}

function rollback(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite ended the transaction itself, as it does when the disk is full.
  }
}

/** What a database error means for the person who runs the server. */
export function databaseError(path: string, cause: unknown): EnvironmentError {
  if (cause instanceof EnvironmentError) return cause;
  const fault = FAULTS.find(({ matches }) => matches(cause));
  const text = cause instanceof Error ? cause.message : String(cause);
  const { code, says, hint } = fault ?? {
    code: "database-failed",
    says: "failed",
    hint: `the reason given was "${text}"`,
  };
  return new EnvironmentError(code, `Cannot use the database ${path}: it ${says}`, { cause, hint });
}

/** A file of SQLite's kind that another program made. */
class ForeignDatabase extends Error {}

interface Fault {
  matches(error: unknown): boolean;
  code: string;
  says: string;
  hint: string;
}

/**
 * Whether SQLite said one of its standard sentences (sqlite3ErrStr in its source): the runtime gives
 * no result code in all cases. A file's name may follow a colon, and says nothing.
 */
function sqlite(...sentences: string[]): (error: unknown) => boolean {
  return (error) =>
    error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR" &&
    sentences.some((sentence) => error.message.split(":")[0] === sentence);
}

const { NotFound, NotADirectory, IsADirectory, PermissionDenied } = Deno.errors;

const FAULTS: readonly Fault[] = [
  {
    matches: (error) => error instanceof ForeignDatabase || sqlite("file is not a database")(error),
    code: "database-foreign",
    says: "is not a Fernchat database",
    hint: "name another file with --db",
  },
  {
    matches: sqlite("database disk image is malformed"),
    code: "database-damaged",
    says: "is damaged",
    hint: "restore a copy, or save what can be saved with sqlite3's .recover",
  },
  {
    matches: sqlite("database is locked", "database table is locked"),
    code: "database-locked",
    says: "is locked by another program",
    hint: "end that program, or name another file with --db",
  },
  {
    matches: (error) => sqlite("database or disk is full")(error) || isNoSpace(error),
    code: "disk-full",
    says: "has no room left on its disk",
    hint: "make room and start again",
  },
  {
    matches: (error) =>
      error instanceof PermissionDenied ||
      sqlite("access permission denied", "attempt to write a readonly database")(error),
    code: "database-unwritable",
    says: "may not be written",
    hint: "check the file's and its folder's permissions, or name another file with --db",
  },
  {
    matches: (error) =>
      [NotFound, NotADirectory, IsADirectory].some((kind) => error instanceof kind) ||
      sqlite("unable to open database file")(error),
    code: "database-unwritable",
    says: "cannot be opened",
    hint: "check that its folder exists and may be written, or name another file with --db",
  },
];

function isNoSpace(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOSPC";
}

/** SQLite gives its journal files the mode of the database: no one else may read any of them. */
function createPrivately(path: string): void {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

function prepare(database: DatabaseSync, path: string): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const version = checkOwnership(database, path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL"); // a commit that returned survives a power cut
  database.exec("PRAGMA foreign_keys = ON");
  if (version < MIGRATIONS.length) migrate(database);
}

function checkOwnership(database: DatabaseSync, path: string): number {
  const application = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get() as { n: number };
  if (application !== APPLICATION_ID && (application !== 0 || tables.n > 0)) {
    throw new ForeignDatabase("another program's application_id");
  }
  if (version > MIGRATIONS.length) {
    throw new EnvironmentError(
      "database-newer",
      `Cannot use the database ${path}: a newer version of Fernchat made it`,
      { hint: "run that version, or name another file with --db" },
    );
  }
  return version;
}

function migrate(database: DatabaseSync): void {
  transaction(database, () => {
    // Read again inside the transaction: another process may have been faster.
    const from = pragma(database, "user_version");
    for (const step of MIGRATIONS.slice(from)) database.exec(step);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

function pragma(database: DatabaseSync, name: string): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as { [column: string]: number };
  return row[name] ?? 0;
}
