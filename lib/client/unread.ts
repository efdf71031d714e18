/**
 * What was said in rooms that a person is in, but not looking at: the newest of it, and how much.
 *
 * @module
 */

import type { MessageEvent } from "./events.ts";

/** Messages that are kept for a room: some screens. */
const MAX_KEPT = 200;

/** Something that was said, by others or by oneself. */
export type Said = Pick<
  MessageEvent,
  "sender" | "text" | "sent_at" | "action" | "history" | "mention"
>;

/** What happened to a room's members or keys, in a sentence. */
export interface Remark {
  remark: string;
}

/** What waits in a room. */
export interface Waiting {
  /** The newest of it, oldest first. */
  items: (Said | Remark)[];
  /** Messages that were not seen: not own ones from here, nor those of before. */
  count: number;
  /** Of them, those that mention this account. */
  mentions: number;
  /** Older ones that were not kept. */
  dropped: number;
  /** The same of remarks. */
  remarksDropped: number;
}

/** A room with something new, and how much of it. */
export interface UnreadCount extends Pick<Waiting, "count" | "mentions"> {
  /** As it is to be shown. */
  room: string;
}

/** See the module's description. */
export class Unread {
  readonly #rooms = new Map<string, Waiting>();

  /** @param isNews whether to count it. */
  add(room: string, said: Said, isNews: boolean): void {
    const waiting = this.#keep(room, said);
    if (isNews) waiting.count += 1;
    if (isNews && said.mention) waiting.mentions += 1;
  }

  /** Adds what is of interest when one looks at the room; it is not counted. */
  addRemark(room: string, remark: string): void {
    this.#keep(room, { remark });
  }

  /** The rooms with something new, and how much. */
  get counts(): UnreadCount[] {
    return [...this.#rooms]
      .map(([room, { count, mentions }]) => ({ room, count, mentions }))
      .filter(({ count }) => count > 0);
  }

  /** Takes what waits in a room: it is read now, or does not matter any more. */
  take(room: string): Waiting {
    const waiting = this.#rooms.get(room) ?? nothing();
    this.#rooms.delete(room);
    return waiting;
  }

  #keep(room: string, item: Said | Remark): Waiting {
    const waiting = this.#rooms.get(room) ?? nothing();
    this.#rooms.set(room, waiting);
    waiting.items.push(item);
    if (waiting.items.length <= MAX_KEPT) return waiting;
    const gone = waiting.items.shift() as Said | Remark;
    if ("remark" in gone) waiting.remarksDropped += 1;
    else waiting.dropped += 1;
    return waiting;
  }
}

function nothing(): Waiting {
  return { items: [], count: 0, mentions: 0, dropped: 0, remarksDropped: 0 };
}
