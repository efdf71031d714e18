/**
 * A running server's eye on its database: what an operator's commands change there, in processes of
 * their own, holds without a restart.
 *
 * SQLite tells whether another connection committed by one number (sqlite.org/pragma.html,
 * `data_version`), which costs microseconds to read and nothing to write.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

/** Milliseconds between two looks: who is banned stays no longer. */
const POLL_MS = 500;

/** See {@linkcode watchDatabase}. */
export interface DatabaseWatchOptions {
  /** Called when another process changed something, once for all that it did since the last look. */
  onChange(): void;
  /**
   * Takes what `onChange` threw, and why a look failed, once until one succeeds. What could not be
   * seen is looked for again. Must not throw.
   */
  onError(error: unknown): void;
  /** Milliseconds between two looks. Default: 500. */
  pollMs?: number;
}

/** A watch that goes on until it is closed. */
export interface DatabaseWatcher extends Disposable {
  /** Looks now. */
  check(): void;
  /** Ends the watch. To be done before the database is closed. */
  close(): void;
}

/** Watches a database for what other processes commit; not for what is done through this handle. */
export function watchDatabase(
  database: DatabaseSync,
  { onChange, onError, pollMs = POLL_MS }: DatabaseWatchOptions,
): DatabaseWatcher {
  let seen: number | undefined = dataVersion(database);
  let failing = false;
  const check = (): void => {
    try {
      const version = dataVersion(database);
      if (version !== seen) {
        onChange();
        seen = version; // only now: a change that could not be dealt with is told again
      }
      failing = false;
    } catch (error) {
      if (!failing) onError(error);
      failing = true;
    }
  };
  const timer = setInterval(check, pollMs);
  Deno.unrefTimer(timer); // a server that has ended does not go on for its database
  const close = (): void => clearInterval(timer);
  return { check, close, [Symbol.dispose]: close };
}

function dataVersion(database: DatabaseSync): number {
  const row = database.prepare("PRAGMA data_version").get() as { data_version: number };
  return row.data_version;
}
