/**
 * Entries that could not be opened, counted, so that fifty of them are one line.
 *
 * @module
 */

import type { LogEntry } from "../log/message_log.ts";
import type { ErrorEvent, MessageEvent, NoticeEvent } from "./events.ts";
import type { RoomState } from "./room_state.ts";

/** Keys that are named in a line. */
const MAX_NAMED_KEYS = 5;

/** See the module's description. */
export class Unopened {
  #missing = 0;
  #invalid = 0;
  readonly #keys = new Set<string>();

  /** Reads an entry, as history or as news, or counts it. */
  tryOpen(state: RoomState, entry: LogEntry, history: boolean): MessageEvent | undefined {
    try {
      return state.open(entry, history);
    } catch {
      if (state.cipher.has(entry.keyId)) this.#invalid += 1;
      else this.#countMissing(entry.keyId);
      return undefined;
    }
  }

  /** What to tell; afterwards it counts from zero again. */
  take(room: string): (NoticeEvent | ErrorEvent)[] {
    const events: (NoticeEvent | ErrorEvent)[] = [];
    if (this.#missing > 0) {
      const message = describeMissing(this.#missing, [...this.#keys]);
      events.push({ type: "notice", code: "older-key", message, room });
    }
    if (this.#invalid > 0) {
      const message = `Older messages whose tokens are not valid: ${this.#invalid}`;
      events.push({ type: "error", code: "token-invalid", message, room });
    }
    this.#missing = this.#invalid = 0;
    this.#keys.clear();
    return events;
  }

  #countMissing(keyId: string): void {
    this.#missing += 1;
    if (this.#keys.size <= MAX_NAMED_KEYS) this.#keys.add(keyId);
  }
}

/** `12 older messages need an older key (ab12cd34)`. */
function describeMissing(count: number, keys: readonly string[]): string {
  const named = keys.slice(0, MAX_NAMED_KEYS).join(", ");
  const needed = keys.length === 1
    ? `an older key (${named})`
    : `older keys (${named}${keys.length > MAX_NAMED_KEYS ? ", …" : ""})`;
  return `${count === 1 ? "1 older message needs" : `${count} older messages need`} ${needed}`;
}
