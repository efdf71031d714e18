/**
 * An open room's keys, as the server gives them.
 *
 * @module
 */

import { FernetKey, KeyRing } from "../fernet.ts";
import type { LogEntry } from "../log/message_log.ts";
import { MAX_RING_KEYS } from "../protocol/limits.ts";
import { openContent, type SealedText, sealText } from "../rooms/open_room.ts";
import type { Content, Envelope } from "../rooms/payload.ts";
import type { Outgoing } from "./outbox.ts";
import type { RoomCipher, Taken } from "./room_cipher.ts";

/** See the module's description. */
export class OpenCipher implements RoomCipher {
  readonly kind = "open";
  readonly peer = undefined;
  readonly floor = 0;
  readonly canSeal = true;
  readonly broken = undefined;
  readonly #room: string;
  #ring: KeyRing;

  /** @param keys the newest first. */
  constructor(room: string, keys: readonly string[]) {
    this.#room = room;
    this.#ring = parseRing(keys);
  }

  get keyId(): string {
    return this.#ring.primary.id;
  }

  has(keyId: string): boolean {
    return this.#ring.find(keyId) !== undefined;
  }

  /**
   * Takes the room's ring from the server; keys that it gave earlier stay behind it.
   *
   * @returns what to tell if the newest key is another one than before.
   */
  takeKeys(keys: readonly string[]): string | undefined {
    const [before, known] = [this.#ring.primary, this.#ring.keys];
    const given = parseRing(keys);
    const kept = known.filter((key) => given.find(key.id) === undefined);
    this.#ring = new KeyRing([...given.keys, ...kept.slice(0, MAX_RING_KEYS)]);
    if (given.primary.id === before.id) return undefined;
    const changed = `${this.#room} has a new key (${given.primary.id})`;
    return given.find(before.id) === undefined
      ? `${changed}; older messages need the older key (${before.id}), which the server lacks now`
      : changed;
  }

  open(entry: LogEntry): Content {
    const { room, sender, messageId: id, sentAt: sent_at } = entry;
    return openContent(this.#ring, { room, sender, id, sent_at }, entry);
  }

  advance(entry: LogEntry): Promise<Taken> {
    return Promise.resolve({ content: this.open(entry), news: [] });
  }

  pass(): void {}

  seal(envelope: Envelope, message: Outgoing): SealedText {
    return sealText(this.#ring.primary, envelope, message.text, message);
  }

  close(): void {}
}

function parseRing(keys: readonly string[]): KeyRing {
  return new KeyRing(keys.map((key) => FernetKey.parse(key)));
}
