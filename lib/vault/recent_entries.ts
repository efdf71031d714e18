/**
 * Which messages of an epoch a device has followed lately: a server that gives one of them again, at
 * a later place, is found out also by a session that was not there the first time.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** Entries that are kept: 8 KiB. What is older cannot come again, see `MAX_LAG`. */
export const MAX_RECENT = 1024;

/** Entries that may come between what a sender had followed and the sender's message. */
export const MAX_LAG = MAX_RECENT;

/** Bytes of an entry's mark: a part of SHA-256, of which nobody finds another text on purpose. */
const MARK_BYTES = 8;

/** What names a message in a room. */
interface Name {
  sender: string;
  messageId: string;
}

/** See the module's description. */
export class RecentEntries {
  /** In hex, in the order in which they came. */
  readonly #marks = new Set<string>();

  /** @param bytes what {@linkcode encode} gave. */
  constructor(bytes: Uint8Array = new Uint8Array()) {
    for (let at = 0; at < bytes.length; at += MARK_BYTES) {
      this.#marks.add(hex(bytes.subarray(at, at + MARK_BYTES)));
    }
  }

  /** Whether bytes are what {@linkcode encode} gives. */
  static isValid(bytes: Uint8Array): boolean {
    return bytes.length % MARK_BYTES === 0 && bytes.length <= MAX_RECENT * MARK_BYTES &&
      new RecentEntries(bytes).#marks.size === bytes.length / MARK_BYTES;
  }

  has(entry: Name): boolean {
    return this.#marks.has(markOf(entry));
  }

  /** Takes note of one; the oldest is given up for it if there are many. */
  add(entry: Name): void {
    this.#marks.add(markOf(entry));
    if (this.#marks.size <= MAX_RECENT) return;
    for (const oldest of this.#marks) {
      this.#marks.delete(oldest);
      return;
    }
  }

  /** Another epoch has begun: no key of it opens what was sealed before. */
  clear(): void {
    this.#marks.clear();
  }

  /** All of them, the oldest first: 8 bytes each. */
  encode(): Uint8Array {
    return new Uint8Array(Buffer.from([...this.#marks].join(""), "hex"));
  }
}

/** Neither a name nor an id has a blank. */
function markOf({ sender, messageId }: Name): string {
  const hash = createHash("sha256").update(`${sender} ${messageId}`).digest("hex");
  return hash.slice(0, 2 * MARK_BYTES);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
