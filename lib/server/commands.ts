/**
 * What an operator does with a server's database, also while the server runs.
 *
 * @module
 */

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
