/**
 * Which messages were seen lately, and where: a message has one place in a room's log for good.
 *
 * @module
 */

import type { LogEntry } from "../log/message_log.ts";

/** Messages that are remembered: hours of a busy room, and about 1 MiB. */
const CAPACITY = 10_000;

/** What names a message in a room. */
type Name = Pick<LogEntry, "sender" | "messageId">;

/** See the module's description. */
export class RecentMessages {
  readonly #capacity: number;
  readonly #places = new Map<string, number>();
  #completeAfter: number;

  /** @param seq nothing up to this place was seen; what follows is. */
  constructor(seq: number, capacity = CAPACITY) {
    this.#completeAfter = seq;
    this.#capacity = capacity;
  }

  /** Remembers a message; false if it was seen before, at this place or another. */
  add({ sender, messageId, seq }: Name & Pick<LogEntry, "seq">): boolean {
    const key = keyOf({ sender, messageId });
    if (this.#places.has(key)) return false;
    this.#places.set(key, seq);
    if (this.#places.size > this.#capacity) this.#forgetOldest();
    return true;
  }

  /** Where a message was seen, if it was. */
  placeOf(name: Name): number | undefined {
    return this.#places.get(keyOf(name));
  }

  /** Whether a message can have this place, by all that is known. */
  canBeAt(name: Name, seq: number): boolean {
    const place = this.placeOf(name);
    return place === undefined ? seq <= this.#completeAfter : place === seq;
  }

  /** The log was replaced: what is known of places up to this one need not hold any more. */
  restartAfter(seq: number): void {
    this.#completeAfter = seq;
  }

  #forgetOldest(): void {
    for (const [key, seq] of this.#places) {
      this.#places.delete(key);
      this.#completeAfter = Math.max(this.#completeAfter, seq);
      return;
    }
  }
}

/** Neither a name nor an id has a blank. */
function keyOf({ sender, messageId }: Name): string {
  return `${sender} ${messageId}`;
}
