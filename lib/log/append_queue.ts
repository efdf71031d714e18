/**
 * Entries on their way into a log, in order. What waits is bounded, for as long as nothing can be
 * stored, and each batch is what fits one commit.
 *
 * @module
 */

import { EnvironmentError } from "../errors.ts";
import type { Along, LogEntry, NewEntry } from "./message_log.ts";

/** An entry, and what its sender waits for. */
export interface Waiting {
  readonly entry: NewEntry;
  /** What happens with it or not at all. */
  readonly along: Along | undefined;
  /** When it came, in milliseconds of `performance.now()`. */
  readonly since: number;
  resolve(entry: LogEntry): void;
  reject(error: unknown): void;
}

/** Entries in one commit at the most: bounds how long a commit blocks everything else. */
const MAX_BATCH = 512;

/**
 * Characters of tokens in one commit: its entries reach all subscribers' queues at once, and have to
 * fit there (1 MiB a connection) with room for what waits already.
 */
const MAX_BATCH_CHARS = 256 * 1024;

/** Bytes for an entry besides its token: its other fields, its promise, its sender's bookkeeping. */
const ENTRY_BYTES = 1024;

/** See the module's description. */
export class AppendQueue {
  readonly #maxBytes: number;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;

  /** Holds entries of so many bytes together, {@linkcode ENTRY_BYTES} counted for each. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Takes an entry in; resolves when it is stored. Rejects with `log-overloaded`. */
  push(entry: NewEntry, along?: Along): Promise<LogEntry> {
    const bytes = sizeOf(entry);
    if (this.#bytes + bytes > this.#maxBytes) return Promise.reject(overloaded());
    this.#bytes += bytes;
    const { promise, resolve, reject } = Promise.withResolvers<LogEntry>();
    this.#waiting.push({ entry, along, since: performance.now(), resolve, reject });
    return promise;
  }

  /**
   * The first entries, those that fit one commit, at least one; they stay in the queue. One that
   * something else happens with is a batch of its own: what fails there fails it alone.
   */
  batch(): readonly Waiting[] {
    let size = 0;
    let count = 0;
    for (const { entry, along } of this.#waiting) {
      size += entry.token.length;
      const isFull = count === MAX_BATCH || size > MAX_BATCH_CHARS || along !== undefined;
      if (count > 0 && isFull) break;
      count += 1;
      if (along !== undefined) break;
    }
    return this.#waiting.slice(0, count);
  }

  /** Takes the first entries out: who does has to settle them. */
  take(count: number): Waiting[] {
    const taken = this.#waiting.splice(0, count);
    for (const { entry } of taken) this.#bytes -= sizeOf(entry);
    return taken;
  }

  /** Gives up the entries that came at a time or before, which are the first ones. */
  rejectUpTo(time: number, reason: unknown): void {
    const younger = this.#waiting.findIndex(({ since }) => since > time);
    const count = younger < 0 ? this.#waiting.length : younger;
    for (const { reject } of this.take(count)) reject(reason);
  }
}

function sizeOf({ token }: NewEntry): number {
  return ENTRY_BYTES + token.length;
}

function overloaded(): EnvironmentError {
  return new EnvironmentError(
    "log-overloaded",
    "Cannot take another message: too many wait to be stored",
    { hint: "send it again later" },
  );
}
