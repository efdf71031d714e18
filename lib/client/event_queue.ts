/**
 * Events between a connection and its owner.
 *
 * @module
 */

import type { ClientEvent, PresenceEvent } from "./events.ts";
import type { Ignored } from "./ignored.ts";

/** Events that may wait for their reader before the connection stops reading. */
const MAX_WAITING = 1_024;

/**
 * Events that wait for their reader. Their number is bounded: who puts one into a full queue waits,
 * and so, in the end, does the server.
 */
export class EventQueue implements AsyncIterable<ClientEvent> {
  /** Whose messages and presence the reader does not get. */
  readonly ignored: Ignored;
  #capacity: number;
  readonly #events: ClientEvent[] = [];
  /** By room: what has to come behind that room's first history. */
  readonly #held = new Map<string, ClientEvent[]>();
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(ignored: Ignored, capacity = MAX_WAITING) {
    this.#capacity = capacity;
    this.ignored = ignored;
  }

  /** Adds events, which stay together; resolves when there is room for another. */
  async push(...events: readonly ClientEvent[]): Promise<void> {
    if (this.#ended) return;
    this.#ended = events.at(-1)?.type === "closed";
    if (this.#ended) this.#releaseAll();
    for (const event of events) this.#listFor(event).push(event);
    if (this.#heldCount >= this.#capacity) this.#releaseAll();
    this.#notify();
    while (this.#events.length >= this.#capacity && !this.#ended) await this.#changed.promise;
  }

  /** Keeps a room's events behind others, which {@linkcode release} brings; not for ever. */
  hold(room: string): void {
    this.#held.set(room, []);
  }

  /** Puts events before those of a room that are held, if some are. */
  release(room: string, ...first: readonly ClientEvent[]): void {
    for (const event of [...first, ...this.#held.get(room) ?? []]) this.#events.push(event);
    this.#held.delete(room);
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
        const shown = this.#withoutIgnored(event);
        if (shown !== undefined) yield shown;
      } else if (this.#ended) {
        return;
      } else {
        await this.#changed.promise;
      }
    }
  }

  #withoutIgnored(event: ClientEvent): ClientEvent | undefined {
    switch (event.type) {
      case "message":
      case "found":
        return this.ignored.has(event.sender) ? undefined : event;
      case "presence":
        return this.#presenceWithoutIgnored(event);
      default:
        return event;
    }
  }

  #presenceWithoutIgnored(event: PresenceEvent): PresenceEvent | undefined {
    const changes = event.changes.filter(({ user }) => !this.ignored.has(user));
    return changes.length === 0 && event.more === 0 ? undefined : { ...event, changes };
  }

  #listFor(event: ClientEvent): ClientEvent[] {
    const held = "room" in event ? this.#held.get(event.room) : undefined;
    return held ?? this.#events;
  }

  /** In all rooms together, since the bound is one of memory. */
  get #heldCount(): number {
    return [...this.#held.values()].reduce((sum, { length }) => sum + length, 0);
  }

  #releaseAll(): void {
    for (const room of [...this.#held.keys()]) this.release(room);
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
