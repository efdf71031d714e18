/**
 * The table `messages` of a server's database: its statements, and how an entry gets its number and
 * its place in the chain.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { chainNext, chainStart } from "./chain.ts";
import type { Head, LogEntry, NewEntry } from "./message_log.ts";

/** An entry's fate: what is in the log now, and whether it was put there just now. */
export interface Stored {
  entry: LogEntry;
  fresh: boolean;
}

const COLUMNS = `room, seq, sender, sent_at AS sentAt, key_id AS keyId,
  message_id AS messageId, token, chain`;

/** See the module's description. Errors are SQLite's own. */
export class MessagesTable {
  readonly #insert: StatementSync;
  readonly #find: StatementSync;
  readonly #read: StatementSync;
  readonly #last: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare(
      `INSERT INTO messages (room, seq, sender, sent_at, key_id, message_id, token, chain)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#find = database.prepare(
      `SELECT ${COLUMNS} FROM messages WHERE room = ? AND sender = ? AND message_id = ?`,
    );
    this.#read = database.prepare(
      `SELECT ${COLUMNS} FROM messages WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?`,
    );
    this.#last = database.prepare(
      `SELECT seq, chain FROM messages WHERE room = ? ORDER BY seq DESC LIMIT 1`,
    );
  }

  /** At most `limit` entries of a room with a `seq` above `after`, in order. */
  read(room: string, after: number, limit: number): LogEntry[] {
    return this.#read.all(room, after, limit) as unknown as LogEntry[];
  }

  /** The end of a room's log. */
  head(room: string): Head {
    const last = this.#last.get(room) as unknown as Head | undefined;
    return last ?? { seq: 0, chain: chainStart(room) };
  }

  /** Appends entries, in a transaction of the caller's, those that are not in the log already. */
  store(entries: readonly NewEntry[]): Stored[] {
    const heads = new Map<string, Head>();
    return entries.map((entry) => {
      const known = this.#find.get(entry.room, entry.sender, entry.messageId);
      if (known !== undefined) return { entry: known as unknown as LogEntry, fresh: false };
      const stored = this.#append(entry, heads.get(entry.room) ?? this.head(entry.room));
      heads.set(entry.room, { seq: stored.seq, chain: stored.chain });
      return { entry: stored, fresh: true };
    });
  }

  #append(entry: NewEntry, head: Head): LogEntry {
    const numbered = { ...entry, seq: head.seq + 1 };
    const stored = { ...numbered, chain: chainNext(head.chain, numbered) };
    const { room, seq, sender, sentAt, keyId, messageId, token, chain } = stored;
    this.#insert.run(room, seq, sender, sentAt, keyId, messageId, token, chain);
    return stored;
  }
}
