/**
 * The message log: the heart of a server. An ordered, append-only sequence of entries per room,
 * with subscribers. Nothing here assumes that this process is the only writer, or that the log is a
 * local file.
 *
 * @module
 */

/** A message that is to be stored. The log never looks into the token. */
export interface NewEntry {
  room: string;
  sender: string;
  /** Chosen by the client; unique for a sender in a room. */
  messageId: string;
  /** ISO 8601, UTC, milliseconds: the sender's clock. */
  sentAt: string;
  /** Which Fernet key the token needs: 8 hex digits. */
  keyId: string;
  token: string;
}

/** A stored message. */
export interface LogEntry extends NewEntry {
  /** Its place in its room: 1, 2, 3, … without gaps. */
  seq: number;
  /** The hash chain's value after this entry: 64 hex digits. */
  chain: string;
}

/** The end of a room's log. */
export interface Head {
  /** The last entry's `seq`; 0 for an empty room. */
  seq: number;
  /** The last entry's `chain`; the room's start value for an empty room. */
  chain: string;
}

/**
 * What has to be stored with an entry or not at all: called with the entry as it is stored, at the
 * same moment for everyone who reads. What it throws rejects the entry, and nothing is stored then.
 */
export type Along = (stored: LogEntry) => void;

/** Receives the entries of a room in order, each after it is durable. Must not throw. */
export type Subscriber = (entries: readonly LogEntry[]) => void;

/** See the module's description. Errors are `EnvironmentError`. */
export interface MessageLog {
  /**
   * Stores a message and resolves when it is durable. An entry whose room, sender and message id
   * are known already is not stored again: the first one is returned. What cannot be stored now may
   * wait for a while, bounded in time and, over all entries, in bytes. Throws `log-overloaded`.
   *
   * @param along is not called for an entry that is known already. It may be called again, if what
   * it did was undone: when the log could not be written after all, and waits.
   */
  append(entry: NewEntry, along?: Along): Promise<LogEntry>;
  /** At most `limit` entries of a room with a `seq` above `after`, in order. */
  read(room: string, after: number, limit: number): Promise<LogEntry[]>;
  /** The end of a room's log. */
  head(room: string): Promise<Head>;
  /** Calls `subscriber` for what is appended to a room from now on, until the result is called. */
  subscribe(room: string, subscriber: Subscriber): () => void;
  /** Stores what waits, or rejects it, then releases everything. */
  close(): Promise<void>;
}
