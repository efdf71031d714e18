/**
 * The hub: who is in which room, and the way of a message from its sender through the log to all
 * members. It knows no connections: a member is whoever takes deliveries.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import type { KeyRing } from "../fernet.ts";
import type { Head, LogEntry, MessageLog, NewEntry } from "../log/message_log.ts";
import { encodeServerMessage, type ServerMessage } from "../protocol/messages.ts";
import { openText } from "../rooms/open_room.ts";
import { encodeEntry } from "./entry_message.ts";
import { type HistoryPage, readHistory } from "./history.ts";
import { CATCH_UP_ENTRIES, KEY_GRACE_MS } from "./limits.ts";

/** Someone in a room. No method may throw. */
export interface Member {
  /**
   * Takes an entry of the room, in order, each once. `encoded` is it as a message to a client, made
   * once for all members.
   */
  deliver(entry: LogEntry, encoded: Uint8Array): void;
  /**
   * Resolves with true when the member can take more than it must, or with false if it takes nothing
   * any more: asked for while it catches up.
   */
  calm(): Promise<boolean>;
  /** Whether it can do so now. */
  readonly isCalm: boolean;
  /** Takes news about the room (its keys, its settings, its people), as a message to a client. */
  tell(encoded: Uint8Array): void;
  /** Gets nothing more: the log cannot be read. */
  fail(error: unknown): void;
}

/** A place in a room. */
export interface Membership {
  /** The room's end when the member joined. */
  head: Head;
  /** Starts the deliveries. */
  start(): void;
  /** Ends them. */
  leave(): void;
}

interface Seat {
  member: Member;
  /** The `seq` up to which the member has the log. */
  position: number;
  /** `late` members are given the log page by page, `live` ones what is stored as it is stored. */
  state: "waiting" | "late" | "live" | "gone";
}

interface Room {
  seats: Set<Seat>;
  /** The last `seq` that is known to be stored. */
  published: number;
}

/** See the module's description. One hub per server. */
export class Hub {
  readonly #log: MessageLog;
  readonly #rooms = new Map<string, Room>();
  readonly #unsubscribe: (() => void)[] = [];
  readonly #now: () => number;
  #ring: KeyRing;
  #rotatedAt = -Infinity;

  /** `ring` has the Fernet keys of the open rooms, newest first; `now` counts milliseconds. */
  constructor(log: MessageLog, ring: KeyRing, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#ring = ring;
    this.#now = now;
  }

  /** Opens a room, unless it is open. Throws `EnvironmentError` if its log cannot be read. */
  open(name: string): void {
    if (this.#rooms.has(name)) return;
    const room: Room = { seats: new Set(), published: 0 };
    this.#unsubscribe.push(this.#log.subscribe(name, (entries) => broadcast(room, entries)));
    this.#rooms.set(name, room);
  }

  /** The Fernet keys of the open rooms. */
  get ring(): KeyRing {
    return this.#ring;
  }

  /** Whether there is a room of that name. */
  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** Takes a seat in a room that exists. Deliveries begin after the entry `after`; by default, at the end. */
  async join(room: string, member: Member, after?: number): Promise<Membership> {
    const place = this.#rooms.get(room) as Room;
    const head = await this.#log.head(room);
    place.published = Math.max(place.published, head.seq);
    const seat: Seat = {
      member,
      position: Math.min(after ?? head.seq, head.seq),
      state: "waiting",
    };
    place.seats.add(seat);
    return {
      head,
      start: () => void this.#catchUp(room, place, seat).catch((error) => member.fail(error)),
      leave: () => {
        seat.state = "gone";
        place.seats.delete(seat);
      },
    };
  }

  /**
   * Stores a message; resolves when it is durable. Members get it from the log.
   *
   * @throws {PeerError} `key-outdated`; `token-invalid` if members could not read it, or its token
   * names another sender, room, id or time.
   * @throws {EnvironmentError} if it cannot be stored.
   */
  async post(entry: NewEntry): Promise<LogEntry> {
    const { room, sender, messageId: id, sentAt: sent_at } = entry;
    if (!this.#takesKey(entry.keyId)) {
      throw new PeerError("key-outdated", "A message must be sealed with the newest key");
    }
    openText(this.#ring, { room, sender, id, sent_at }, entry);
    return await this.#log.append(entry);
  }

  /** Seals what comes from now on with the ring's first key, and tells all members. */
  rotate(ring: KeyRing): void {
    if (ring.primary.id !== this.#ring.primary.id) this.#rotatedAt = this.#now();
    this.#ring = ring;
    const keys = ring.keys.map(String);
    for (const room of this.#rooms.keys()) this.tell(room, { type: "keys", room, keys });
  }

  /** Tells all members of a room. Who has not started yet is told with the answer to its join. */
  tell(room: string, message: ServerMessage): void {
    const encoded = encodeServerMessage(message);
    for (const seat of this.#rooms.get(room)?.seats ?? []) {
      if (seat.state !== "waiting") seat.member.tell(encoded);
    }
  }

  /** The last entries before a `seq`; see {@linkcode readHistory}. */
  history(room: string, before: number, limit: number): Promise<HistoryPage> {
    return readHistory(this.#log, room, before, limit);
  }

  /** Stops listening to the logs. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #takesKey(id: string): boolean {
    const [newest, before] = this.#ring.keys;
    if (id === newest?.id) return true;
    return id === before?.id && this.#now() - this.#rotatedAt < KEY_GRACE_MS;
  }

  /**
   * Gives a member what it has missed, as fast as it reads, then makes it live. Nothing is held in
   * memory while it does not read: what it has no room for is read from the log again, in smaller
   * pages where the entries are large, and what is stored in between like the rest.
   */
  async #catchUp(room: string, place: Room, seat: Seat): Promise<void> {
    seat.state = "late";
    let limit = CATCH_UP_ENTRIES;
    while (seat.position < place.published) {
      if (!await seat.member.calm() || isGone(seat)) return;
      const entries = await this.#log.read(room, seat.position, limit);
      if (isGone(seat)) return;
      const given = giveWhileCalm(seat, entries);
      limit = given < entries.length ? Math.max(1, given) : Math.min(CATCH_UP_ENTRIES, 2 * limit);
      if (entries.length === 0) seat.position = place.published; // rows are gone: the chain tells
    }
    if (!isGone(seat)) seat.state = "live"; // in the same step as the check, so nothing falls between
  }
}

function isGone(seat: Seat): boolean {
  return seat.state === "gone";
}

/** Returns how many it had room for. */
function giveWhileCalm(seat: Seat, entries: readonly LogEntry[]): number {
  let given = 0;
  for (const entry of entries) {
    if (!seat.member.isCalm) break;
    give(seat, entry, encodeEntry("message", entry));
    given += 1;
  }
  return given;
}

function broadcast(room: Room, entries: readonly LogEntry[]): void {
  room.published = Math.max(room.published, entries.at(-1)?.seq ?? 0);
  const live = [...room.seats].filter((seat) => seat.state === "live");
  for (const entry of entries) {
    const encoded = encodeEntry("message", entry);
    for (const seat of live) give(seat, entry, encoded);
  }
}

function give(seat: Seat, entry: LogEntry, encoded: Uint8Array | undefined): void {
  if (seat.state === "gone" || entry.seq <= seat.position) return;
  seat.position = entry.seq;
  if (encoded !== undefined) seat.member.deliver(entry, encoded);
}
