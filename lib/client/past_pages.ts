/**
 * A room's past, page by page (PROTOCOL.md section 7.6): asked for one page at a time, again after an
 * outage, and checked along the log's chain. Whoever wants several asks for one after the other, so
 * that two readers take turns.
 *
 * @module
 */

import { type EnvironmentError, PeerError } from "../errors.ts";
import type { LogEntry } from "../log/message_log.ts";
import { MAX_HISTORY_PAGE } from "../protocol/limits.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { KnownPast } from "./history_page.ts";

/** A page that is all there. */
export interface PastPage {
  /** In the order of their `seq`. */
  entries: readonly LogEntry[];
  /** What is wrong with it, if something is. */
  fault: PeerError | undefined;
}

/** Who wants a page, and what becomes of it. One of the three is called, once. */
export interface PastReader {
  /** From where it goes back: the page extends it. */
  known: KnownPast;
  /** Entries that are of use; one request brings 200 at most. */
  wanted: number;
  /** Takes the page. What the server says next waits until it is done. */
  take(page: PastPage): Promise<void>;
  /** The server cannot read it. */
  fail(error: EnvironmentError): Promise<void>;
  /** The connection has ended for good. */
  abandon(reason: unknown): void;
}

/** What the pages of a room are asked for with. */
export interface PastPagesOptions {
  room: string;
  /** Sends, if there is a connection. */
  send(message: ClientMessage): void;
}

/** See the module's description. */
export class PastPages {
  readonly #room: string;
  readonly #send: (message: ClientMessage) => void;
  /** The first one's page is on its way; the others wait. */
  readonly #readers: PastReader[] = [];
  #entries: LogEntry[] = [];

  constructor({ room, send }: PastPagesOptions) {
    this.#room = room;
    this.#send = send;
  }

  /** Asks for a page, as soon as no other is on its way. */
  ask(reader: PastReader): void {
    this.#readers.push(reader);
    if (this.#readers.length === 1) this.#request(reader);
  }

  /** There is another connection: what was on its way is asked for again. */
  resume(): void {
    const [reader] = this.#readers;
    if (reader !== undefined) this.#request(reader);
  }

  /**
   * Takes an entry of the page.
   *
   * @throws {PeerError} `message-unexpected` if it was not asked for.
   */
  add(entry: LogEntry): void {
    if (this.#entries.length >= limitOf(this.#underWay())) throw unexpected();
    this.#entries.push(entry);
  }

  /**
   * Takes the end of the page; resolves when its reader is done with it.
   *
   * @throws {PeerError} `message-unexpected` if it was not asked for.
   */
  async end({ before, previous }: MessageOf<ServerMessage, "history_end">): Promise<void> {
    const reader = this.#underWay();
    if (before > reader.known.before) throw unexpected();
    const entries = this.#entries;
    const fault = reader.known.extend(entries, previous);
    this.#next();
    await reader.take({ entries, fault });
  }

  /** The server cannot read the page that is on its way, if one is. */
  async fail(error: EnvironmentError): Promise<void> {
    const [reader] = this.#readers;
    if (reader === undefined) return;
    this.#next();
    await reader.fail(error);
  }

  /** The connection has ended for good. */
  abandon(reason: unknown): void {
    for (const reader of this.#readers.splice(0)) reader.abandon(reason);
  }

  /** The first one is served: goes on with the one that waited longest. */
  #next(): void {
    this.#readers.shift();
    this.#entries = [];
    this.resume();
  }

  #request(reader: PastReader): void {
    this.#entries = [];
    const { known: { before } } = reader;
    this.#send({ type: "history", room: this.#room, before, limit: limitOf(reader) });
  }

  #underWay(): PastReader {
    const [reader] = this.#readers;
    if (reader === undefined) throw unexpected();
    return reader;
  }
}

function limitOf({ wanted }: PastReader): number {
  return Math.min(MAX_HISTORY_PAGE, wanted);
}

function unexpected(): PeerError {
  return new PeerError("message-unexpected", "The server sent history that nobody asked for");
}
