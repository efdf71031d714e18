/**
 * The log as it stands in a database's file, for operators: read only, row by row in the order of
 * the table, trusting nothing about the rows, and also while a server appends to it.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { databaseError, openDatabaseForReading } from "../database.ts";
import { EnvironmentError } from "../errors.ts";
import type { LogEntry } from "./message_log.ts";

/** A row of the table `messages`. */
export interface LogRow extends LogEntry {
  /** Its place in the whole table: rows are appended with growing ids. */
  id: number;
}

/** Which rows: those that meet every condition given. */
export interface RowFilter {
  /** Rows of these rooms; of all of them by default. */
  rooms?: readonly string[];
  /** Without regard to upper and lower case, as in account names. */
  sender?: string;
  /** Sent at this time or later: ISO 8601, UTC, milliseconds. */
  since?: string;
  /** Sent before this time. */
  until?: string;
}

/** Rows in memory at once: with the longest tokens, 33 MB. */
const PAGE_ROWS = 256;

/** Milliseconds between two looks for what was appended: nobody who reads along waits longer. */
const POLL_MS = 500;

/** The smallest id that SQLite knows: an edited table may have rows below 1. */
const FIRST_ID = -(2n ** 63n);

/**
 * In the order of the ids, not by the index of rooms: the index is not what is checked. The runtime
 * cuts text at a NUL character, so `hidden` tells whether there is one.
 */
const FROM_WHERE = `FROM messages WHERE id >= :first AND id <= :last
  AND (:rooms IS NULL OR room IN (SELECT value FROM json_each(:rooms)))
  AND (:sender IS NULL OR sender = :sender COLLATE NOCASE)
  AND (:since IS NULL OR sent_at >= :since) AND (:until IS NULL OR sent_at < :until)`;
const ROWS = `SELECT id, room, seq, sender, sent_at, key_id, message_id, token, chain,
    instr(CAST(room || sender || sent_at || key_id || message_id || token || chain AS BLOB), x'00')
      AS hidden ${FROM_WHERE} ORDER BY id LIMIT :limit`;

/** Rows by their ids, both ends included. */
export interface IdRange {
  first: bigint;
  last: bigint;
}

/** How many messages of a room need a key. */
export interface KeyUse {
  keyId: string;
  room: string;
  messages: number;
}

/** What SQLite takes for {@linkcode RowFilter}. */
type Conditions = { [name in keyof Required<RowFilter>]: string | null };

type Row = { [column: string]: unknown };

/** Whether a database cannot be read since some of its pages hold something else. */
export function isDamage(error: unknown): error is EnvironmentError {
  return error instanceof EnvironmentError && error.code === "database-damaged";
}

/** See the module's description. Errors are `EnvironmentError`. */
export class LogReader implements Disposable {
  readonly #database: DatabaseSync;
  readonly #path: string;

  private constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /** Opens a database's log. Never makes a file. */
  static open(path: string): LogReader {
    return new LogReader(openDatabaseForReading(path), path);
  }

  /** The number of rows there are now; undefined if the table is damaged. */
  count(filter: RowFilter = {}): number | undefined {
    try {
      return this.#try(() => {
        const statement = this.#database.prepare(`SELECT count(*) AS count ${FROM_WHERE}`);
        return Number(statement.get({ ...conditions(filter), ...this.#range() })?.["count"]);
      });
    } catch (error) {
      if (isDamage(error)) return undefined;
      throw error;
    }
  }

  /** The number of each room's messages that need each key; what was used last comes first. */
  countByKey(): KeyUse[] {
    return this.#try(() => {
      const rows = this.#database.prepare(
        `SELECT key_id, room, count(*) AS count FROM messages
         GROUP BY key_id, room ORDER BY max(id) DESC`,
      ).all();
      return rows.map(({ key_id, room, count }) => ({
        ...{ keyId: String(key_id), room: String(room), messages: Number(count) },
      }));
    });
  }

  /** All rows there are now. */
  range(): IdRange {
    return this.#try(() => this.#range());
  }

  /** Waits until there are rows after a range; returns theirs. */
  async appended({ last: seen }: IdRange): Promise<IdRange> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      const { last } = this.range();
      if (last > seen) return { first: seen + 1n, last };
    }
  }

  /**
   * The rows of a range, by default those there are at the call, in pages. Each page is a
   * transaction of its own: a long one would keep a running server from tidying its journal, and
   * rows are only ever appended.
   *
   * @throws {EnvironmentError} `database-damaged` after the last row before the damage.
   */
  async *rows(filter: RowFilter = {}, range = this.range()): AsyncGenerator<LogRow, void> {
    const statement = this.#try(() => this.#database.prepare(ROWS));
    statement.setReadBigInts(true); // an edited table may hold numbers that are none of JavaScript's
    const given = conditions(filter);
    let limit = PAGE_ROWS;
    for (let { first, last } = range; first <= last;) {
      const page = await this.#page(statement, { ...given, first, last, limit });
      if (page === "damaged") {
        limit = 1; // what is before the damage, row by row
        continue;
      }
      for (const row of page) yield logRow(row);
      if (page.length < limit) return;
      first = (page.at(-1)?.["id"] as bigint) + 1n;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** So many rows; "damaged" if that would take a damaged page, and fewer would not. */
  async #page(
    statement: StatementSync,
    given: Conditions & IdRange & { limit: number },
  ): Promise<Row[] | "damaged"> {
    try {
      return await this.#try(() => statement.all({ ...given }));
    } catch (error) {
      if (isDamage(error) && given.limit > 1) return "damaged";
      throw error;
    }
  }

  #range(): IdRange {
    const statement = this.#database.prepare("SELECT max(id) AS id FROM messages");
    statement.setReadBigInts(true);
    return { first: FIRST_ID, last: (statement.get()?.["id"] as bigint | null) ?? 0n };
  }

  #try<T>(query: () => T): T {
    try {
      return query();
    } catch (error) {
      throw databaseError(this.#path, error);
    }
  }
}

function conditions({ rooms, sender, since, until }: RowFilter): Conditions {
  return {
    rooms: rooms === undefined ? null : JSON.stringify(rooms),
    sender: sender ?? null,
    since: since ?? null,
    until: until ?? null,
  };
}

/** Whatever an edited table holds becomes text and numbers, which then do not fit the chain. */
function logRow(row: Row): LogRow {
  const text = (column: string): string => String(row[column]);
  return {
    id: Number(row["id"]),
    room: text("room"),
    seq: Number(row["seq"]),
    sender: text("sender"),
    sentAt: text("sent_at"),
    keyId: text("key_id"),
    messageId: text("message_id"),
    token: Number(row["hidden"] ?? 0) > 0 ? `${text("token")}\0` : text("token"),
    chain: text("chain"),
  };
}
