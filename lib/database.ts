/**
 * The one SQLite file that the server keeps: opened, checked that it is ours, brought to the
 * current schema. The tables, and who owns which: database_schema.ts.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { databaseError, ForeignDatabase } from "./database_errors.ts";
import { DatabaseFiles } from "./database_files.ts";
import { MIGRATIONS } from "./database_schema.ts";
import { EnvironmentError } from "./errors.ts";

export { databaseError } from "./database_errors.ts";

/** "Fern" in ASCII: marks a file as ours (SQLite's `application_id`). */
const APPLICATION_ID = 0x4665726e;

/**
 * Milliseconds to wait for another process that is writing, before giving up. SQLite waits without
 * letting anything else happen: {@linkcode serveOthers} is for who cannot afford that.
 */
const BUSY_TIMEOUT_MS = 5_000;

/** The same in a process that serves others meanwhile: they do not notice so much. */
const SERVING_BUSY_TIMEOUT_MS = 50;

/** Of the databases that were opened to be written. */
const filesOf = new WeakMap<DatabaseSync, DatabaseFiles>();

/** Those in a transaction now. The oldest runtimes cannot be asked. */
const inTransaction = new WeakSet<DatabaseSync>();

/**
 * Opens the database, and creates it (mode 0600) if there is none.
 *
 * @throws {EnvironmentError} if the file cannot be opened or written, is damaged, is not ours, or
 * was made by a newer version.
 */
export function openDatabase(path: string): DatabaseSync {
  const open = (): DatabaseSync => {
    createPrivately(path);
    return new DatabaseSync(path);
  };
  return openChecked(path, open, (database) => {
    prepare(database, path);
    filesOf.set(database, new DatabaseFiles(path));
  });
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
  return openChecked(path, () => new DatabaseSync(path, { readOnly: true }), (database) => {
    setBusyTimeout(database, BUSY_TIMEOUT_MS);
    if (checkOwnership(database, path) === 0) throw new ForeignDatabase("it has no tables");
  });
}

/** A database that passes; it is closed if it does not. */
function openChecked(
  path: string,
  open: () => DatabaseSync,
  check: (database: DatabaseSync) => void,
): DatabaseSync {
  try {
    const database = open();
    try {
      check(database);
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
    if (!(error instanceof Deno.errors.NotFound)) throw databaseError(path, error);
    throw new EnvironmentError(
      "database-missing",
      `Cannot use the database ${path}: there is no such file`,
      { cause: error, hint: "name the server's file with --db" },
    );
  }
}

/** From now on, nothing that is done with this database waits long for other processes. */
export function serveOthers(database: DatabaseSync): void {
  setBusyTimeout(database, SERVING_BUSY_TIMEOUT_MS);
}

/**
 * Runs `work` in a write transaction: all of it happens, or none. When it returns, the changes are
 * in the file that is at the database's path, safe from a power cut.
 *
 * Inside another transaction it joins that one: what it throws has to go through there too, for
 * none of both to happen.
 *
 * @throws whatever `work` or SQLite throws; `LostFile` if the database's files are not in their
 * places any more (if they went at that very moment, it may have happened all the same).
 */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  if (inTransaction.has(database)) return work();
  checkFiles(database);
  database.exec("BEGIN IMMEDIATE");
  inTransaction.add(database);
  let result: T;
  try {
    result = work();
    database.exec("COMMIT");
  } catch (error) {
    rollback(database);
    throw error;
  } finally {
    inTransaction.delete(database);
  }
  checkFiles(database); // only now is it certain that the commit went into them
  return result;
}

/**
 * As {@linkcode transaction} in a process that serves others. While another process writes, it
 * fails at once with SQLite's error for that: to be tried again later.
 */
export function tryTransaction<T>(database: DatabaseSync, work: () => T): T {
  setBusyTimeout(database, 0);
  try {
    return transaction(database, work);
  } finally {
    serveOthers(database);
  }
}

function setBusyTimeout(database: DatabaseSync, milliseconds: number): void {
  database.exec(`PRAGMA busy_timeout = ${milliseconds}`);
}

function checkFiles(database: DatabaseSync): void {
  try {
    filesOf.get(database)?.check();
  } catch (error) {
    saveJournal(database);
    throw error;
  }
}

/** If only the journal was removed, this takes what was stored earlier into the database's file. */
function saveJournal(database: DatabaseSync): void {
  try {
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch {
    // Nothing is worse than before: that the journal is lost is reported anyway.
  }
}

function rollback(database: DatabaseSync): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite ended the transaction itself, as it does when the disk is full.
  }
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
  setBusyTimeout(database, BUSY_TIMEOUT_MS);
  const version = checkOwnership(database, path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL"); // a commit that returned survives a power cut
  database.exec("PRAGMA foreign_keys = ON");
  if (version < MIGRATIONS.length) migrate(database);
  else checkWritable(database);
}

/** SQLite opens a file that may only be read without a word: this is refused then. */
function checkWritable(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  } finally {
    rollback(database);
  }
}

function checkOwnership(database: DatabaseSync, path: string): number {
  const application = pragma(database, "application_id"); // a full disk fails here, with its code
  // Of a damaged schema, older runtimes tell only that a statement could not be prepared: not so here.
  database.exec("SELECT 1 FROM sqlite_schema");
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
