/**
 * What a connection tells its owner. The objects are those of the client's `--json` mode.
 *
 * @module
 */

import type { RoomKind } from "../rooms/open_room.ts";

/** Logged in, and in a room. */
export interface ReadyEvent {
  type: "ready";
  user: string;
  room: string;
  /** The server's address. */
  server: string;
  kind: RoomKind;
}

/** A message from another client, verified. */
export interface MessageEvent {
  type: "message";
  room: string;
  /** Its place in the room: 1, 2, 3, … */
  seq: number;
  id: string;
  sender: string;
  /** ISO 8601, UTC, milliseconds: the sender's clock. */
  sent_at: string;
  /** As the sender typed it: sanitize before it goes to a terminal. */
  text: string;
  kind: RoomKind;
  /** Whether it was said before this client came. */
  history: boolean;
}

/** An own message is stored. */
export interface AckEvent {
  type: "ack";
  room: string;
  id: string;
  seq: number;
}

/** Something failed; the connection goes on. */
export interface ErrorEvent {
  type: "error";
  code: string;
  message: string;
  /** The own message that it is about. */
  id?: string;
}

/** The end: no event follows. */
export interface ClosedEvent {
  type: "closed";
  /** `left` if this side closed, else a code such as `server-stopping` or `connection-cut`. */
  reason: string;
  /** The same for people. */
  message: string;
}

/** Any of them, by its `type`. */
export type ClientEvent = ReadyEvent | MessageEvent | AckEvent | ErrorEvent | ClosedEvent;

/**
 * Events that wait for their reader. Their number is bounded: who puts one into a full queue waits,
 * and so, in the end, does the server.
 */
export class EventQueue implements AsyncIterable<ClientEvent> {
  #capacity: number;
  readonly #events: ClientEvent[] = [];
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds an event; resolves when there is room for another. */
  async push(event: ClientEvent): Promise<void> {
    if (this.#ended) return;
    this.#events.push(event);
    this.#ended = event.type === "closed";
    this.#notify();
    while (this.#events.length >= this.#capacity && !this.#ended) await this.#changed.promise;
  }

  /** Takes whatever still comes, although nobody may read it any more. */
  unbound(): void {
    this.#capacity = Infinity;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ClientEvent, void> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) {
        this.#notify();
        yield event;
      } else if (this.#ended) {
        return;
      } else {
        await this.#changed.promise;
      }
    }
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
