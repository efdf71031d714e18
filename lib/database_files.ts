/**
 * The files under an open database, by their identity. SQLite in WAL mode goes on writing to files
 * that were removed or replaced underneath it (its own check, SQLITE_READONLY_DBMOVED, is for
 * rollback journals alone): what it commits then is gone when the process ends. So whoever promises
 * that something is stored looks whether the files are still the ones at their paths.
 *
 * @module
 */

import { LostFile } from "./database_errors.ts";

interface OpenFile {
  path: string;
  isJournal: boolean;
  identity: string;
}

/** See the module's description. */
export class DatabaseFiles {
  readonly #files: readonly OpenFile[];

  /** Of a database that was opened just now. */
  constructor(path: string) {
    const journal = `${Deno.realPathSync(path)}-wal`; // SQLite puts it beside the file, not the link
    this.#files = [{ path, isJournal: false }, { path: journal, isJournal: true }]
      .map((file) => ({ ...file, identity: identify(file.path) }))
      .filter(({ identity }) => identity !== NOWHERE);
  }

  /**
   * Passes if the files are in their places: two calls of `stat`, some microseconds.
   *
   * @throws {LostFile} if one is not, or the error for which that cannot be told.
   */
  check(): void {
    for (const { path, isJournal, identity } of this.#files) {
      if (identify(path) !== identity) throw new LostFile(path, isJournal);
    }
  }
}

const NOWHERE = "";

/** Device and inode, as SQLite's own check compares them: names and times change, these do not. */
function identify(path: string): string {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch (error) {
    const { NotFound, NotADirectory } = Deno.errors;
    if (error instanceof NotFound || error instanceof NotADirectory) return NOWHERE;
    throw error;
  }
}
