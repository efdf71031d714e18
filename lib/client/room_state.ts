/**
 * A room as a client sees it: its keys and how far it has followed the log. Whatever the server
 * delivers has to continue exactly there, also after an outage.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import { FernetKey, KeyRing } from "../fernet.ts";
import { chainNext } from "../log/chain.ts";
import type { Head, LogEntry } from "../log/message_log.ts";
import { MAX_RING_KEYS } from "../protocol/limits.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";
import { openContent, type RoomKind, sealText } from "../rooms/open_room.ts";
import type { MessageEvent } from "./events.ts";
import { mentions } from "./mentions.ts";
import type { Outgoing, SentEntry } from "./outbox.ts";
import { RecentMessages } from "./recent.ts";

/** What a client makes of an entry. */
export interface Followed {
  /** What is wrong with it, if something is. */
  fault: PeerError | undefined;
  /** Whether the same message came before: then it is none to show. */
  isRepeat: boolean;
}

type Joined = MessageOf<ServerMessage, "joined">;

/** See the module's description. */
export class RoomState {
  readonly room: string;
  readonly kind: RoomKind;
  readonly #user: string;
  #ring: KeyRing;
  #head: Head;
  /** The log's end at the last join: deliveries lead there first. */
  #joinedAt: Head;
  readonly #recent: RecentMessages;

  /** @param user the own account's name. */
  constructor(joined: Joined, user: string) {
    this.#user = user;
    this.room = joined.room;
    this.kind = joined.kind;
    this.#ring = parseRing(joined.keys);
    this.#head = endOf(joined);
    this.#joinedAt = this.#head;
    this.#recent = new RecentMessages(joined.last_seq);
  }

  /** The last entry that was followed: worth noting, to check the server's log against. */
  get head(): Head {
    return this.#head;
  }

  /** The keys, the newest first: the server's, and behind them those that it gave earlier. */
  get ring(): KeyRing {
    return this.#ring;
  }

  /** Whether entries from before the last join are still to come. */
  get isBehind(): boolean {
    return this.#head.seq < this.#joinedAt.seq;
  }

  /**
   * Joins again after an outage. Its keys are not taken: see {@linkcode takeKeys}.
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

  /**
   * Takes the room's ring from the server.
   *
   * @returns what to tell if the newest key is another one than before.
   */
  takeKeys(keys: readonly string[]): string | undefined {
    const [before, known] = [this.#ring.primary, this.#ring.keys];
    const given = parseRing(keys);
    const kept = known.filter((key) => given.find(key.id) === undefined);
    this.#ring = new KeyRing([...given.keys, ...kept.slice(0, MAX_RING_KEYS)]);
    if (given.primary.id === before.id) return undefined;
    const changed = `${this.room} has a new key (${given.primary.id})`;
    return given.find(before.id) === undefined
      ? `${changed}; older messages need the older key (${before.id}), which the server lacks now`
      : changed;
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

  /** Reads an entry; see {@linkcode openContent} for what it throws. */
  open(entry: LogEntry, history: boolean): MessageEvent {
    const { room, seq, sender, messageId: id, sentAt: sent_at } = entry;
    const { text, action } = openContent(this.#ring, { room, sender, id, sent_at }, entry);
    const isMention = sender !== this.#user && mentions(text, this.#user);
    return {
      type: "message",
      ...{ room, seq, id, sender, sent_at, text, kind: this.kind, history },
      ...(action === undefined ? {} : { action }),
      ...(isMention ? { mention: true } : {}),
    };
  }

  /** Seals an own message with the newest key. What is `sealed` with it already stays as it is. */
  seal(message: Outgoing, sealed?: SentEntry): SentEntry {
    const { primary } = this.#ring;
    if (sealed?.keyId === primary.id) return sealed;
    const [{ room }, sender, { id, text, sentAt }] = [this, this.#user, message];
    const envelope = { room, sender, id, sent_at: sentAt };
    const { keyId, token } = sealText(primary, envelope, text, message);
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

function parseRing(keys: readonly string[]): KeyRing {
  return new KeyRing(keys.map((key) => FernetKey.parse(key)));
}
