/**
 * What a connection tells its owner. The objects are those of the client's `--json` mode.
 *
 * @module
 */

import { describeError, FernchatError } from "../errors.ts";
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

/** A message that this connection did not send itself, verified. */
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

/** The connection is lost, and is tried again: one event before each attempt. */
export interface ReconnectingEvent {
  type: "reconnecting";
  /** Counts from 1 until a connection holds. */
  attempt: number;
  /** Milliseconds until the attempt. */
  delay_ms: number;
  /** A code such as `connection-cut` or `server-stopping`: why the last one ended or failed. */
  reason: string;
  /** The same for people. */
  message: string;
}

/** Logged in and in the room again; what was said meanwhile follows. */
export interface ReconnectedEvent {
  type: "reconnected";
  room: string;
  /** The room's last message. */
  last_seq: number;
}

/** Something to know; nothing is wrong. */
export interface NoticeEvent {
  type: "notice";
  /** `key-changed`, `older-key`, `history`, or `command` for what a command answers. */
  code: string;
  message: string;
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
export type ClientEvent =
  | ReadyEvent
  | MessageEvent
  | AckEvent
  | ReconnectingEvent
  | ReconnectedEvent
  | NoticeEvent
  | ErrorEvent
  | ClosedEvent;

/** An error as an event. */
export function errorEvent(error: unknown): ErrorEvent {
  return { type: "error", code: codeOf(error), message: describeError(error) };
}

/** An error's code, for events. */
export function codeOf(error: unknown): string {
  return error instanceof FernchatError ? error.code : "failed";
}

/**
 * Events that wait for their reader. Their number is bounded: who puts one into a full queue waits,
 * and so, in the end, does the server.
 */
export class EventQueue implements AsyncIterable<ClientEvent> {
  #capacity: number;
  readonly #events: ClientEvent[] = [];
  #held: ClientEvent[] | undefined;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds events, which stay together; resolves when there is room for another. */
  async push(...events: readonly ClientEvent[]): Promise<void> {
    if (this.#ended) return;
    this.#ended = events.at(-1)?.type === "closed";
    for (const event of events) (this.#held ?? this.#events).push(event);
    if (this.#ended || (this.#held?.length ?? 0) >= this.#capacity) this.release();
    this.#notify();
    while (this.#events.length >= this.#capacity && !this.#ended) await this.#changed.promise;
  }

  /** Keeps the events that follow behind others, which {@linkcode release} brings; not for ever. */
  hold(): void {
    this.#held = [];
  }

  /** Puts events before those that are held, if some are. */
  release(...first: readonly ClientEvent[]): void {
    for (const event of [...first, ...this.#held ?? []]) this.#events.push(event);
    this.#held = undefined;
    this.#notify();
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
