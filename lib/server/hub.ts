/**
 * The hub: who is in which room, and the way of a message from its sender through the log to all
 * members. It knows no connections: a member is whoever takes deliveries.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import type { KeyRing } from "../fernet.ts";
import type { Head, LogEntry, MessageLog, NewEntry } from "../log/message_log.ts";
import { encodeServerMessage, type MessageOf, type ServerMessage } from "../protocol/messages.ts";
import { LOBBY, openText } from "../rooms/open_room.ts";

/** Someone in a room. */
export interface Member {
  /**
   * Takes an entry of the room, in order, each once. `encoded` is it as a message to a client, made
   * once for all members. Must not throw.
   */
  deliver(entry: LogEntry, encoded: Uint8Array): void;
}

/** A place in a room. */
export interface Membership {
  /** The room's end when the member joined: deliveries begin right after it. */
  head: Head;
  /** Starts the deliveries, those that came since the join first. */
  start(): void;
  /** Ends them. */
  leave(): void;
}

/** A member, or what is held for one until it has been told that it is in. */
interface Seat {
  member: Member;
  held: { entry: LogEntry; encoded: Uint8Array }[] | undefined;
}

/** See the module's description. One hub per server, with one open room by now. */
export class Hub {
  readonly #log: MessageLog;
  readonly #ring: KeyRing;
  readonly #seats = new Map<string, Set<Seat>>();
  readonly #unsubscribe: () => void;

  /** `ring` has the Fernet keys of the open rooms, newest first. */
  constructor(log: MessageLog, ring: KeyRing) {
    this.#log = log;
    this.#ring = ring;
    this.#seats.set(LOBBY, new Set());
    this.#unsubscribe = log.subscribe(LOBBY, (entries) => this.#broadcast(LOBBY, entries));
  }

  /** The Fernet keys of the open rooms. */
  get ring(): KeyRing {
    return this.#ring;
  }

  /** Whether there is a room of that name. */
  has(room: string): boolean {
    return this.#seats.has(room);
  }

  /** Takes a seat in a room that exists. */
  async join(room: string, member: Member): Promise<Membership> {
    const seats = this.#seats.get(room) as Set<Seat>;
    const seat: Seat = { member, held: [] };
    seats.add(seat); // before the head is read, so that no entry falls between the two
    try {
      const head = await this.#log.head(room);
      return {
        head,
        start: () => start(seat, head),
        leave: () => void seats.delete(seat),
      };
    } catch (error) {
      seats.delete(seat);
      throw error;
    }
  }

  /**
   * Stores a message; resolves when it is durable. Members get it from the log.
   *
   * @throws {PeerError} `token-invalid` if members could not read it, or its token names another
   * sender, room, id or time.
   * @throws {EnvironmentError} if it cannot be stored.
   */
  async post(entry: NewEntry): Promise<LogEntry> {
    const { room, sender, messageId: id, sentAt: sent_at } = entry;
    if (entry.keyId !== this.#ring.primary.id) {
      throw new PeerError("token-invalid", "A message must be sealed with the newest key");
    }
    openText(this.#ring, { room, sender, id, sent_at }, entry);
    return await this.#log.append(entry);
  }

  /** Stops listening to the log. */
  close(): void {
    this.#unsubscribe();
  }

  #broadcast(room: string, entries: readonly LogEntry[]): void {
    const seats = [...this.#seats.get(room) ?? []];
    for (const entry of entries) {
      const encoded = encode(entry);
      if (encoded === undefined) continue;
      for (const seat of seats) {
        if (seat.held === undefined) seat.member.deliver(entry, encoded);
        else seat.held.push({ entry, encoded });
      }
    }
  }
}

function start(seat: Seat, head: Head): void {
  const held = seat.held ?? [];
  seat.held = undefined;
  for (const { entry, encoded } of held) {
    if (entry.seq > head.seq) seat.member.deliver(entry, encoded);
  }
}

/**
 * An entry as a message, unless someone else put into the database what no message can hold. Members
 * then see the gap, as the chain is for.
 */
function encode(entry: LogEntry): Uint8Array | undefined {
  try {
    return encodeServerMessage(toWire(entry));
  } catch {
    return undefined;
  }
}

/** An entry's fields under the names that they have on the wire. */
function toWire(entry: LogEntry): MessageOf<ServerMessage, "message"> {
  const { seq, sender, room, messageId: id, sentAt: sent_at, keyId: key_id, token, chain } = entry;
  return { type: "message", seq, sender, room, id, sent_at, key_id, token, chain };
}
