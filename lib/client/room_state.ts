/**
 * A room as a client sees it: its keys and how far it has followed the log. Whatever the server
 * delivers has to continue exactly there.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import { FernetKey, KeyRing } from "../fernet.ts";
import { chainNext } from "../log/chain.ts";
import type { Head, LogEntry } from "../log/message_log.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";
import { openText, type RoomKind } from "../rooms/open_room.ts";

/** See the module's description. */
export class RoomState {
  readonly room: string;
  readonly kind: RoomKind;
  readonly ring: KeyRing;
  #head: Head;

  constructor(joined: MessageOf<ServerMessage, "joined">) {
    this.room = joined.room;
    this.kind = joined.kind;
    this.ring = new KeyRing(joined.keys.map((key) => FernetKey.parse(key)));
    this.#head = { seq: joined.last_seq, chain: joined.head };
  }

  /** The last entry that was followed: worth noting, to check the server's log against. */
  get head(): Head {
    return this.#head;
  }

  /**
   * Follows the log by one entry.
   *
   * @returns what is wrong, if the entry does not continue the log: something was left out,
   * repeated, moved or altered. The state follows it all the same.
   */
  follow(entry: LogEntry): PeerError | undefined {
    const { seq, chain } = this.#head;
    const continues = entry.seq === seq + 1 && entry.chain === chainNext(chain, entry);
    this.#head = { seq: entry.seq, chain: entry.chain };
    if (continues) return undefined;
    return new PeerError(
      "room-inconsistent",
      `The server's log of ${this.room} does not continue at message ${entry.seq}`,
      { hint: "messages may be missing or altered; tell who runs the server" },
    );
  }

  /** The text of an entry; see {@linkcode openText} for what it throws. */
  open(entry: LogEntry): string {
    const { room, sender, messageId: id, sentAt: sent_at } = entry;
    return openText(this.ring, { room, sender, id, sent_at }, entry);
  }
}
