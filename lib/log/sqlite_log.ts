/**
 * The message log in SQLite. Batches form by themselves: entries that arrive while a commit runs
 * (it blocks the event loop) are read from their sockets afterwards and share the next commit. While
 * another program holds the file's lock, entries wait without blocking anything, for a while.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import { databaseError, serveOthers, tryTransaction } from "../database.ts";
import { type EnvironmentError, FernchatError } from "../errors.ts";
import { AppendQueue, type Waiting } from "./append_queue.ts";
import type { Along, Head, LogEntry, MessageLog, NewEntry, Subscriber } from "./message_log.ts";
import { MessagesTable, type Stored } from "./messages_table.ts";

/** Milliseconds between two tries to write to a file that another program has locked. */
const RETRY_MS = 20;

/** What a {@linkcode SqliteLog} grants. */
export interface SqliteLogLimits {
  /** Milliseconds that an entry waits for another program's lock: longer than a well-behaved one takes. */
  lockPatienceMs: number;
  /** The same when the log is closed: whoever stops a server looks on. */
  closePatienceMs: number;
  /** Bytes of entries that wait: some seconds' work, also with the longest messages. */
  maxWaitingBytes: number;
}

/** A commit that succeeded. */
export interface Commit {
  /** The messages that it stored, without those that were stored before. */
  entries: number;
  /** How long everything else waited for it. */
  seconds: number;
}

/** See {@linkcode SqliteLogLimits}. */
export interface SqliteLogOptions extends Partial<SqliteLogLimits> {
  /** Takes each commit that succeeded. Must not throw. */
  onCommit?(commit: Commit): void;
}

const LIMITS: SqliteLogLimits = {
  lockPatienceMs: 5_000,
  closePatienceMs: 1_000,
  maxWaitingBytes: 64 * 1024 * 1024,
};

/** A {@linkcode MessageLog} over the `messages` table of a database. It does not close it. */
export class SqliteLog implements MessageLog {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #onCommit: (commit: Commit) => void;
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  /** The last `seq` that a room's subscribers were given. */
  readonly #published = new Map<string, number>();
  readonly #table: MessagesTable;
  readonly #limits: SqliteLogLimits;
  readonly #queue: AppendQueue;
  #scheduled = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /**
   * `path` is for error messages. From now on, nothing on the database's handle waits for long
   * (see `serveOthers`).
   *
   * @throws {EnvironmentError} if the database cannot be read.
   */
  constructor(
    database: DatabaseSync,
    path: string,
    { onCommit = () => {}, ...limits }: SqliteLogOptions = {},
  ) {
    this.#database = database;
    this.#path = path;
    this.#onCommit = onCommit;
    this.#limits = { ...LIMITS, ...limits };
    this.#queue = new AppendQueue(this.#limits.maxWaitingBytes);
    this.#table = this.#query(() => new MessagesTable(database));
    serveOthers(database);
  }

  append(entry: NewEntry, along?: Along): Promise<LogEntry> {
    const stored = this.#queue.push(entry, along);
    this.#schedule();
    return stored;
  }

  async read(room: string, after: number, limit: number): Promise<LogEntry[]> {
    return await this.#query(() => this.#table.read(room, after, limit));
  }

  async head(room: string): Promise<Head> {
    return await this.#query(() => {
      const head = this.#table.head(room);
      this.#publish(room, head.seq); // whoever joins at the head gets what comes after it alone
      return head;
    });
  }

  subscribe(room: string, subscriber: Subscriber): () => void {
    const subscribers = this.#subscribers.get(room) ?? new Set();
    if (subscribers.size === 0) {
      this.#published.set(room, this.#query(() => this.#table.head(room)).seq);
    }
    this.#subscribers.set(room, subscribers.add(subscriber));
    return () => {
      subscribers.delete(subscriber);
      if (subscribers.size === 0) this.#subscribers.delete(room);
    };
  }

  async close(): Promise<void> {
    const end = performance.now() + this.#limits.closePatienceMs;
    while (!this.#queue.isEmpty) {
      const obstacle = this.#commit();
      // As between two batches at other times, whoever waited for one acts before the next is stored.
      if (obstacle === undefined) await new Promise((resolve) => setImmediate(resolve));
      else if (performance.now() >= end) this.#queue.rejectUpTo(Infinity, obstacle);
      else await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    clearTimeout(this.#retry);
    this.#scheduled = false;
  }

  /** After the sockets that are ready now were read: what they bring joins the batch. */
  #schedule(): void {
    if (this.#scheduled || this.#queue.isEmpty) return;
    this.#scheduled = true;
    setImmediate(() => this.#work());
  }

  #work(): void {
    const obstacle = this.#queue.isEmpty ? undefined : this.#commit();
    if (obstacle !== undefined) {
      this.#queue.rejectUpTo(performance.now() - this.#limits.lockPatienceMs, obstacle);
      this.#retry = setTimeout(() => this.#work(), RETRY_MS);
    } else {
      this.#scheduled = false;
      this.#schedule();
    }
  }

  /** Settles a batch; if the file is locked, it stays in the queue, and this returns the error. */
  #commit(): EnvironmentError | undefined {
    const batch = this.#queue.batch();
    const began = performance.now();
    let stored: Stored[];
    try {
      stored = tryTransaction(this.#database, () => this.#store(batch));
    } catch (error) {
      const failure = error instanceof FernchatError ? error : databaseError(this.#path, error);
      if (failure.code === "database-locked") return failure;
      for (const { reject } of this.#queue.take(batch.length)) reject(failure);
      return undefined;
    }
    this.#queue.take(batch.length);
    const entries = stored.filter(({ fresh }) => fresh).length;
    this.#onCommit({ entries, seconds: (performance.now() - began) / 1_000 });
    try {
      this.#publishStored(stored);
    } finally {
      batch.forEach(({ resolve }, at) => resolve((stored[at] as Stored).entry));
    }
    return undefined;
  }

  #store(batch: readonly Waiting[]): Stored[] {
    const stored = this.#table.store(batch.map(({ entry }) => entry));
    for (const [at, { entry, fresh }] of stored.entries()) if (fresh) batch[at]?.along?.(entry);
    return stored;
  }

  #publishStored(stored: readonly Stored[]): void {
    for (const [room, group] of Map.groupBy(stored, ({ entry }) => entry.room)) {
      const fresh = group.filter((one) => one.fresh).map((one) => one.entry);
      this.#publish(room, Math.max(...group.map(({ entry }) => entry.seq)), fresh);
    }
  }

  /**
   * Gives a room's subscribers what they were not given yet, up to a `seq`: `fresh`, and what others
   * wrote before it.
   */
  #publish(room: string, last: number, fresh: readonly LogEntry[] = []): void {
    const subscribers = this.#subscribers.get(room);
    const count = last - (this.#published.get(room) ?? 0);
    if (subscribers === undefined || count <= 0) return;
    const entries = fresh.length === count ? fresh : this.#lastUpTo(room, last, count) ?? fresh;
    this.#published.set(room, last);
    for (const subscriber of [...subscribers]) subscriber(entries);
  }

  /** Undefined if they are in a damaged page: members see the gap, as the chain is for. */
  #lastUpTo(room: string, last: number, count: number): LogEntry[] | undefined {
    try {
      return this.#table.read(room, last - count, count);
    } catch {
      return undefined;
    }
  }

  #query<T>(query: () => T): T {
    try {
      return query();
    } catch (error) {
      throw databaseError(this.#path, error);
    }
  }
}
