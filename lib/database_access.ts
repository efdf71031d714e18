/**
 * How the owners of tables use the database: each failure is an error of this project that names
 * the file.
 *
 * @module
 */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { databaseError, transaction } from "./database.ts";
import { FernchatError } from "./errors.ts";

/**
 * Statements on one database. Each method throws an `EnvironmentError` if SQLite or the disk fails.
 * Parameters are plain `?`: older runtimes do not bind numbered ones.
 */
export class DatabaseAccess {
  readonly #database: DatabaseSync;
  readonly #path: string;
  /** By their SQL, of which there is a fixed number: preparing one costs as much as ten uses. */
  readonly #statements = new Map<string, StatementSync>();

  /** `path` is for error messages. */
  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /** All rows; the caller says what is in them. */
  all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#run(() => this.#prepared(sql).all(...values)) as Row[];
  }

  /** The first row, if there is one; the caller says what is in it. */
  get<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#run(() => this.#prepared(sql).get(...values)) as Row | undefined;
  }

  /** Changes rows in a transaction of its own or the one around it; returns how many. */
  change(sql: string, ...values: SQLInputValue[]): number {
    const { changes } = this.transaction(() => this.#prepared(sql).run(...values));
    return Number(changes);
  }

  /** As `transaction` of database.ts; what is an error of ours already stays as it is. */
  transaction<T>(work: () => T): T {
    return this.#run(() => transaction(this.#database, work));
  }

  #prepared(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof FernchatError ? error : databaseError(this.#path, error);
    }
  }
}
