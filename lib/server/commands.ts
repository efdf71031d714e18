/**
 * What an operator does with a server's database, also while the server runs.
 *
 * @module
 */

import { openDatabase, openExistingDatabase } from "../database.ts";
import { Operations } from "./operations.ts";

/**
 * Opens a database for an operator's work and closes it again.
 *
 * @throws {EnvironmentError} `database-missing` if there is none and it is not to be made; else as
 * `openDatabase`.
 */
export async function withOperations<T>(
  path: string,
  { create }: { create: boolean },
  work: (operations: Operations) => T | Promise<T>,
): Promise<T> {
  const database = create ? openDatabase(path) : openExistingDatabase(path);
  try {
    return await work(await Operations.open(database, path));
  } finally {
    database.close();
  }
}
