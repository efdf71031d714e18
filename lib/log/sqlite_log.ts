/**
 * The message log in SQLite. Batches form by themselves: entries that arrive while a commit runs
 * (it blocks the event loop) are read from their sockets afterwards and share the next commit.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { databaseError, transaction } from "../database.ts";
import { chainNext, chainStart } from "./chain.ts";
import type { Head, LogEntry, MessageLog, NewEntry, Subscriber } from "./message_log.ts";

interface Waiting {
  entry: NewEntry;
  resolve(entry: LogEntry): void;
  reject(error: unknown): void;
}

/** A commit that succeeded. */
export interface Commit {
  /** The messages that it stored, without those that were stored before. */
  entries: number;
  /** How long everything else waited for it. */
  seconds: number;
}

/** An entry's fate in a batch: what is in the log now, and whether this batch put it there. */
interface Stored {
  entry: LogEntry;
  fresh: boolean;
}

const COLUMNS = `room, seq, sender, sent_at AS sentAt, key_id AS keyId,
  message_id AS messageId, token, chain`;

/** Entries in one commit at the most: bounds how long a commit blocks everything else. */
const MAX_BATCH = 512;

/**
 * Characters of tokens in one commit: its entries reach all subscribers' queues at once, and have to
 * fit there (1 MiB a connection) with room for what waits already.
 */
const MAX_BATCH_CHARS = 256 * 1024;

/** A {@linkcode MessageLog} over the `messages` table of a database. It does not close it. */
export class SqliteLog implements MessageLog {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #onCommit: (commit: Commit) => void;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  /** The last `seq` that a room's subscribers were given. */
  readonly #published = new Map<string, number>();
  readonly #statements: { [name in "insert" | "find" | "read" | "last"]: StatementSync };
  #waiting: Waiting[] = [];
  #scheduled = false;

  /** `path` is for error messages; `onCommit` must not throw. */
  constructor(
    database: DatabaseSync,
    path: string,
    onCommit: (commit: Commit) => void = () => {},
  ) {
    this.#database = database;
    this.#path = path;
    this.#onCommit = onCommit;
    this.#statements = {
      insert: database.prepare(
        `INSERT INTO messages (room, seq, sender, sent_at, key_id, message_id, token, chain)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      find: database.prepare(
        `SELECT ${COLUMNS} FROM messages WHERE room = ? AND sender = ? AND message_id = ?`,
      ),
      read: database.prepare(
        `SELECT ${COLUMNS} FROM messages WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?`,
      ),
      last: database.prepare(
        `SELECT seq, chain FROM messages WHERE room = ? ORDER BY seq DESC LIMIT 1`,
      ),
    };
  }

  append(entry: NewEntry): Promise<LogEntry> {
    const { promise, resolve, reject } = Promise.withResolvers<LogEntry>();
    this.#waiting.push({ entry, resolve, reject });
    this.#schedule();
    return promise;
  }

  read(room: string, after: number, limit: number): Promise<LogEntry[]> {
    return this.#try(() => this.#statements.read.all(room, after, limit) as unknown as LogEntry[]);
  }

  head(room: string): Promise<Head> {
    return this.#try(() => this.#head(room));
  }

  subscribe(room: string, subscriber: Subscriber): () => void {
    const subscribers = this.#subscribers.get(room) ?? new Set();
    if (subscribers.size === 0) this.#published.set(room, this.#head(room).seq);
    this.#subscribers.set(room, subscribers.add(subscriber));
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size === 0) this.#subscribers.delete(room);
    };
  }

  close(): Promise<void> {
    while (this.#waiting.length > 0) this.#commit();
    return Promise.resolve();
  }

  /** After the sockets that are ready now were read: what they bring joins the batch. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#waiting.length > 0) this.#commit();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commit(): void {
    const batch = this.#takeBatch();
    const began = performance.now();
    let stored: Stored[];
    try {
      stored = transaction(this.#database, () => this.#store(batch));
    } catch (error) {
      const failure = databaseError(this.#path, error);
      for (const { reject } of batch) reject(failure);
      return;
    }
    const entries = stored.filter(({ fresh }) => fresh).length;
    this.#onCommit({ entries, seconds: (performance.now() - began) / 1_000 });
    try {
      this.#publish(stored);
    } finally {
      batch.forEach(({ resolve }, at) => resolve((stored[at] as Stored).entry));
    }
  }

  /** What fits one commit: at least one entry, then more up to the limits. */
  #takeBatch(): Waiting[] {
    let size = 0;
    let count = 0;
    for (const { entry } of this.#waiting) {
      size += entry.token.length;
      if (count === MAX_BATCH || (count > 0 && size > MAX_BATCH_CHARS)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  #store(batch: readonly Waiting[]): Stored[] {
    const heads = new Map<string, Head>();
    return batch.map(({ entry }) => {
      const known = this.#statements.find.get(entry.room, entry.sender, entry.messageId);
      if (known !== undefined) return { entry: known as unknown as LogEntry, fresh: false };
      const head = heads.get(entry.room) ?? this.#head(entry.room);
      const stored = this.#insert(entry, head);
      heads.set(entry.room, { seq: stored.seq, chain: stored.chain });
      return { entry: stored, fresh: true };
    });
  }

  #insert(entry: NewEntry, head: Head): LogEntry {
    const numbered = { ...entry, seq: head.seq + 1 };
    const stored = { ...numbered, chain: chainNext(head.chain, numbered) };
    const { room, seq, sender, sentAt, keyId, messageId, token, chain } = stored;
    this.#statements.insert.run(room, seq, sender, sentAt, keyId, messageId, token, chain);
    return stored;
  }

  #head(room: string): Head {
    const last = this.#statements.last.get(room) as unknown as Head | undefined;
    return last ?? { seq: 0, chain: chainStart(room) };
  }

  #publish(stored: readonly Stored[]): void {
    const fresh = stored.filter((one) => one.fresh).map((one) => one.entry);
    for (const [room, entries] of Map.groupBy(fresh, (entry) => entry.room)) {
      const subscribers = this.#subscribers.get(room);
      if (subscribers === undefined) continue;
      const complete = this.#withMissed(room, entries);
      for (const subscriber of [...subscribers]) subscriber(complete);
    }
  }

  /** With the entries before these that another process wrote meanwhile. */
  #withMissed(room: string, entries: readonly LogEntry[]): readonly LogEntry[] {
    const published = this.#published.get(room) ?? 0;
    const [first, last] = [entries.at(0), entries.at(-1)];
    if (first === undefined || last === undefined) return entries;
    this.#published.set(room, last.seq);
    const missing = first.seq - published - 1;
    if (missing <= 0) return entries;
    try {
      const missed = this.#statements.read.all(room, published, missing) as unknown as LogEntry[];
      return [...missed, ...entries];
    } catch {
      return entries; // a damaged page: members see the gap, as the chain is for
    }
  }

  #try<T>(query: () => T): Promise<T> {
    try {
      return Promise.resolve(query());
    } catch (error) {
      return Promise.reject(databaseError(this.#path, error));
    }
  }
}
