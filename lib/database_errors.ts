/**
 * What a failure of SQLite, or of the file system under it, means for the person who runs a server.
 *
 * @module
 */

import { EnvironmentError } from "./errors.ts";

/** What a database error means: one sentence about the file, and what to do. */
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
export class ForeignDatabase extends Error {}

/** A file that an open database writes to was removed, moved away or replaced. */
export class LostFile extends Error {
  readonly isJournal: boolean;

  constructor(path: string, isJournal: boolean) {
    super(`${path} is another file now, or none`);
    this.isJournal = isJournal;
  }
}

interface Fault {
  matches(error: unknown): boolean;
  code: string;
  says: string;
  hint: string;
}

/**
 * "Enlarging the shared memory file failed" (sqlite.org/rescode.html#ioerr_shmsize): SQLite calls it
 * an I/O error, but it is how opening a database fails on a full disk.
 */
const SQLITE_IOERR_SHMSIZE = 4874;

/**
 * Whether SQLite said one of its standard sentences (sqlite3ErrStr in its source): the runtime gives
 * no result code in all cases. A file's name may follow a colon, and says nothing.
 */
function sqlite(...sentences: string[]): (error: unknown) => boolean {
  return (error) =>
    hasCode(error, "ERR_SQLITE_ERROR") &&
    sentences.some((sentence) => error.message.split(":")[0] === sentence);
}

const { NotFound, NotADirectory, IsADirectory, PermissionDenied } = Deno.errors;

/** The first that matches tells. */
const FAULTS: readonly Fault[] = [
  {
    matches: (error) => error instanceof LostFile && error.isJournal,
    code: "database-gone",
    says: "has lost its journal (-wal), which was removed or replaced while in use",
    hint: "start the server again: what was stored is kept, and nothing is stored until then",
  },
  {
    matches: (error) => error instanceof LostFile,
    code: "database-gone",
    says: "was removed or replaced while in use",
    hint: "put it back, or start the server again: nothing is stored until then",
  },
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
    hint: "make room there, then try again",
  },
  {
    matches: sqlite("disk I/O error"),
    code: "disk-failed",
    says: "could not be read or written by the system",
    hint: "check the disk: it may be failing, read-only or full; the system's log may tell",
  },
  {
    matches: (error) =>
      error instanceof PermissionDenied || hasCode(error, "EROFS") ||
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
  return hasCode(error, "ENOSPC") ||
    error instanceof Error && "errcode" in error && error.errcode === SQLITE_IOERR_SHMSIZE;
}

/** Whether the system gave an error of that name. */
function hasCode(error: unknown, code: string): error is Error {
  return error instanceof Error && "code" in error && error.code === code;
}
