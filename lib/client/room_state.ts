/**
 * A room as a client sees it: how far it has followed the log. Whatever the server delivers has to continue exactly there, also after an outage.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import { chainNext } from "../log/chain.ts";
import type { Head, LogEntry } from "../log/message_log.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { RoomKind } from "../rooms/open_room.ts";
import type { Content } from "../rooms/payload.ts";
import type { MessageEvent } from "./events.ts";
import { mentions } from "./mentions.ts";
import { OpenCipher } from "./open_cipher.ts";
import type { Outgoing, SentEntry } from "./outbox.ts";
import { RecentMessages } from "./recent.ts";
import type { RoomCipher } from "./room_cipher.ts";

/** What a client makes of an entry. */
export interface Followed {
  /** What is wrong with it, if something is. */
  fault: PeerError | undefined;
  /** Whether the same message came before: then it is none to show. */
  isRepeat: boolean;
}

type Joined = MessageOf<ServerMessage, "joined">;

/** What is known of a room before it is joined. */
export interface Foreknowledge {
  cipher: RoomCipher;
  /** How far its log was followed in an earlier session. */
  from: Head;
}

/** See the module's description. */
export class RoomState {
  readonly room: string;
  readonly kind: RoomKind;
  readonly cipher: RoomCipher;
  readonly #user: string;
  #head: Head;
  /** The log's end at the last join: deliveries lead there first. */
  #joinedAt: Head;
  readonly #recent: RecentMessages;

  /** @param user the own account's name. */
  constructor(joined: Joined, user: string, known?: Foreknowledge) {
    this.#user = user;
    this.room = joined.room;
    this.kind = joined.kind;
    this.cipher = known?.cipher ?? new OpenCipher(joined.room, joined.keys);
    this.#joinedAt = endOf(joined);
    this.#head = known?.from ?? this.#joinedAt;
    this.#recent = new RecentMessages(this.#head.seq);
  }

  /** With whom it is, for events: nothing unless it is a direct room. */
  get direct(): { peer?: string } {
    const { peer } = this.cipher;
    return peer === undefined ? {} : { peer };
  }

  /** The last entry that was followed: worth noting, to check the server's log against. */
  get head(): Head {
    return this.#head;
  }

  /** The log's end at the last join. */
  get end(): Head {
    return this.#joinedAt;
  }

  /** Whether entries from before the last join are still to come. */
  get isBehind(): boolean {
    return this.#head.seq < this.#joinedAt.seq;
  }

  /**
   * Joins again after an outage, or where an earlier session ended.
   *
   * @returns what is wrong, if the server's log is not the one that was followed; it goes on from
   * the server's end then.
   */
  rejoin(joined: Joined): PeerError | undefined {
    const { seq, chain } = this.#head;
    const end = endOf(joined);
    this.#joinedAt = end;
    if (end.seq > seq || end.seq === seq && end.chain === chain) return undefined;
    this.#head = end;
    this.#recent.restartAfter(end.seq);
    return this.inconsistent(
      end.seq < seq
        ? `ends at message ${end.seq}, and was followed to ${seq} before`
        : `is another one than before, up to message ${seq}`,
    );
  }

  /** Follows the log by one entry; the state follows it also if something is wrong with it. */
  follow(entry: LogEntry): Followed {
    const { seq, chain } = this.#head;
    const isRepeat = !this.#recent.add(entry);
    const isNext = entry.seq === seq + 1 && entry.chain === chainNext(chain, entry);
    const isAsJoined = entry.seq !== this.#joinedAt.seq || entry.chain === this.#joinedAt.chain;
    if (entry.seq > seq) this.#head = { seq: entry.seq, chain: entry.chain };
    if (isRepeat) {
      const said = `repeats a message of ${entry.sender} as message ${entry.seq}`;
      return { isRepeat, fault: this.inconsistent(said) };
    }
    if (isNext && isAsJoined) return { isRepeat, fault: undefined };
    return { isRepeat, fault: this.inconsistent(`does not continue at message ${entry.seq}`) };
  }

  /** Takes note of an entry from the history; what is wrong with it, if it was seen elsewhere. */
  recall(entry: LogEntry): PeerError | undefined {
    if (this.#recent.add(entry)) return undefined;
    return this.inconsistent(`repeats a message of ${entry.sender} as message ${entry.seq}`);
  }

  /** Whether a message was seen lately, at this place. */
  isAt(name: Pick<LogEntry, "sender" | "messageId">, seq: number): boolean {
    return this.#recent.placeOf(name) === seq;
  }

  /** What is wrong, if the log was followed to `seq` and beyond without this message there. */
  checkPlace(name: Pick<LogEntry, "sender" | "messageId">, seq: number): PeerError | undefined {
    if (this.#recent.canBeAt(name, seq)) return undefined;
    return this.inconsistent(`is said to have ${name.messageId} at ${seq}, and has not`);
  }

  /**
   * Reads an entry that was followed by now; undefined if nobody says anything with it.
   *
   * @throws {PeerError} `token-invalid`.
   */
  open(entry: LogEntry, history: boolean): MessageEvent | undefined {
    const content = this.cipher.open(entry);
    return content && this.toEvent(entry, content, history);
  }

  /** What to tell of an entry that was read. */
  toEvent(entry: LogEntry, { text, action }: Content, history: boolean): MessageEvent {
    const { room, seq, sender, messageId: id, sentAt: sent_at } = entry;
    const isMention = sender !== this.#user && mentions(text, this.#user);
    return {
      type: "message",
      ...{ room, seq, id, sender, sent_at, text, kind: this.kind, ...this.direct, history },
      ...(action === undefined ? {} : { action }),
      ...(isMention ? { mention: true } : {}),
    };
  }

  /** Seals an own message with the newest key. What is `sealed` with it already stays as it is. */
  seal(message: Outgoing, sealed?: SentEntry): SentEntry {
    if (sealed?.keyId === this.cipher.keyId) return sealed;
    const [{ room }, sender, { id, sentAt }] = [this, this.#user, message];
    const { keyId, token } = this.cipher.seal({ room, sender, id, sent_at: sentAt }, message);
    return { room, sender, messageId: id, sentAt, keyId, token };
  }

  /** Says what is wrong with the server's log. */
  inconsistent(what: string): PeerError {
    return new PeerError("room-inconsistent", `The server's log of ${this.room} ${what}`, {
      hint: "messages may be missing or altered; tell who runs the server",
    });
  }
}

/** The entry that a delivery, or an answer to a `history`, carries. */
export function entryOf(message: MessageOf<ServerMessage, "message" | "past">): LogEntry {
  const { room, seq, sender, id, sent_at: sentAt, key_id: keyId, token, chain } = message;
  return { room, seq, sender, messageId: id, sentAt, keyId, token, chain };
}

function endOf({ last_seq: seq, head: chain }: Joined): Head {
  return { seq, chain };
}
