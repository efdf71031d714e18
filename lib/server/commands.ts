/**
 * What an operator does with a server's database, also while the server runs.
 *
 * @module
 */

import type { Account } from "../auth/accounts.ts";
import { Accounts } from "../auth/accounts.ts";
import { openDatabase, openExistingDatabase } from "../database.ts";

/**
 * Opens a database's accounts, works with them and closes it again.
 *
 * @throws {EnvironmentError} `database-missing` if there is none and it is not to be made; else as
 * `openDatabase`.
 */
export async function withAccounts<T>(
  path: string,
  { create }: { create: boolean },
  work: (accounts: Accounts) => T | Promise<T>,
): Promise<T> {
  const database = create ? openDatabase(path) : openExistingDatabase(path);
  try {
    return await work(await Accounts.open(database, path));
  } finally {
    database.close();
  }
}

/** The accounts as a table for people. */
export function formatAccounts(accounts: readonly Account[]): string {
  if (accounts.length === 0) return "No accounts yet: add one with `user add NAME`";
  const width = Math.max(4, ...accounts.map((account) => account.name.length));
  const rows = accounts.map(({ name, created_at, demo }) =>
    `${name.padEnd(width)}  ${created_at}${demo ? "  (demo, on loopback only)" : ""}`
  );
  return [`${"NAME".padEnd(width)}  ADDED`, ...rows].join("\n");
}
