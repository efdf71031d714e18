/**
 * The seats in one room, and what each is given: entries of the log in order, each once, to some as
 * they are stored, to others as fast as they read. It knows no connections.
 *
 * @module
 */

import type { Head, LogEntry, MessageLog } from "../log/message_log.ts";
import { encodeEntry } from "./entry_message.ts";
import { CATCH_UP_ENTRIES } from "./limits.ts";

/** Someone in a room. No method may throw. */
export interface Member {
  /** The account's name. */
  readonly user: string;
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
  /**
   * Takes news about the room (its keys, its settings, its people), or the bytes of a commit whose
   * entry comes next, as a message to a client.
   */
  tell(encoded: Uint8Array): void;
  /** Is put out of the room: gets nothing more of it. */
  putOut(farewell: Farewell): void;
  /** Gets nothing more: the log cannot be read. */
  fail(error: unknown): void;
}

/** Why somebody is put out of a room. */
export interface Farewell {
  code: string;
  message: string;
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

/** From where on a member is given the log. */
export interface Start {
  /** The last `seq` that it has; by default, the log's end. */
  after?: number | undefined;
  /** What it may not have: everything up to this `seq`. */
  since?: number | undefined;
}

interface Seat {
  member: Member;
  /** The `seq` up to which the member has the log. */
  position: number;
  /** The last `seq` that it is given. */
  last: number;
  /** What it is told then. */
  farewell: Farewell | undefined;
  /** `late` members are given the log page by page, `live` ones what is stored as it is stored. */
  state: "waiting" | "late" | "live" | "gone";
}

/** What a seating works with. */
export interface SeatingOptions {
  room: string;
  log: MessageLog;
  /** The messages that come before an entry's own. Throws what reading the database does. */
  before(seq: number): readonly Uint8Array[];
  /** Nobody is left. */
  onEmpty(): void;
}

/** See the module's description. */
export class Seating {
  readonly #options: SeatingOptions;
  readonly #seats = new Set<Seat>();
  /** The last `seq` that is known to be stored. */
  #published = 0;

  constructor(options: SeatingOptions) {
    this.#options = options;
  }

  /** Takes a seat. Throws `EnvironmentError` if the log cannot be read. */
  async take(member: Member, { after, since = 0 }: Start): Promise<Membership> {
    const seat: Seat = {
      ...{ member, position: 0, last: Infinity },
      ...{ farewell: undefined, state: "waiting" as const },
    };
    this.#seats.add(seat);
    const leave = (): void => this.#remove(seat);
    try {
      const { log, room } = this.#options;
      const head = await log.head(room);
      this.#published = Math.max(this.#published, head.seq);
      seat.position = Math.max(since, Math.min(after ?? head.seq, head.seq));
      return { head, start: () => this.#start(seat), leave };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Gives what was stored just now to all live members. */
  publish(entries: readonly LogEntry[]): void {
    this.#published = Math.max(this.#published, entries.at(-1)?.seq ?? 0);
    const live = [...this.#seats].filter((seat) => seat.state === "live");
    for (const entry of entries) {
      const before = this.#beforeLive(entry.seq);
      if (before === undefined) {
        for (const seat of live) this.#fallBehind(seat);
        return;
      }
      const encoded = encodeEntry("message", entry);
      for (const seat of live) give(seat, entry, encoded, before);
    }
  }

  /** Tells all members. Who has not started yet is told with the answer to its join. */
  tell(encoded: Uint8Array): void {
    for (const seat of this.#seats) if (seat.state !== "waiting") seat.member.tell(encoded);
  }

  /** Puts all seats of an account out: each when it has been given the entry `last`; 0 for at once. */
  expel(user: string, farewell: Farewell, last: number): void {
    for (const seat of this.#seats) {
      if (seat.member.user !== user) continue;
      seat.farewell = farewell;
      seat.last = Math.min(seat.last, last);
      if (seat.state === "live") this.#seeOut(seat); // the others when they are there
    }
  }

  #start(seat: Seat): void {
    if (!isGone(seat)) this.#fallBehind(seat);
  }

  /**
   * What comes before an entry, if that is little: what is more than one message has to go at each
   * member's own pace, and so has what cannot be read now. Undefined then.
   */
  #beforeLive(seq: number): readonly Uint8Array[] | undefined {
    try {
      const before = this.#options.before(seq);
      return before.length <= 1 ? before : undefined;
    } catch {
      return undefined; // whoever catches up tries again, and fails if that fails
    }
  }

  #fallBehind(seat: Seat): void {
    if (isGone(seat)) return;
    seat.state = "late";
    this.#catchUp(seat).catch((error) => seat.member.fail(error));
  }

  /**
   * Gives a member what it has missed, as fast as it reads, then makes it live. Nothing is held in
   * memory while it does not read: what it has no room for is read from the log again, in smaller
   * pages where the entries are large, and what is stored in between like the rest.
   */
  async #catchUp(seat: Seat): Promise<void> {
    const { log, room } = this.#options;
    let limit = CATCH_UP_ENTRIES;
    while (seat.position < this.#goal(seat)) {
      if (!await seat.member.calm() || isGone(seat)) return;
      const entries = await log.read(room, seat.position, limit);
      if (isGone(seat)) return;
      const given = await this.#giveWhileCalm(seat, entries);
      if (isGone(seat)) return;
      limit = given < entries.length ? Math.max(1, given) : Math.min(CATCH_UP_ENTRIES, 2 * limit);
      if (entries.length === 0) seat.position = this.#goal(seat); // rows are gone: the chain tells
    }
    if (isGone(seat)) return;
    seat.state = "live"; // in the same step as the check, so nothing falls between
    this.#seeOut(seat);
  }

  #goal({ last }: Seat): number {
    return Math.min(this.#published, last);
  }

  /** Returns how many it had room for. */
  async #giveWhileCalm(seat: Seat, entries: readonly LogEntry[]): Promise<number> {
    let given = 0;
    for (const entry of entries) {
      if (!seat.member.isCalm) break;
      const before = this.#options.before(entry.seq);
      if (before.length > 0 && !await this.#giveCalmly(seat, before)) break;
      give(seat, entry, encodeEntry("message", entry));
      given += 1;
    }
    return given;
  }

  /** False if the member takes nothing any more. */
  async #giveCalmly(seat: Seat, messages: readonly Uint8Array[]): Promise<boolean> {
    for (const message of messages) {
      if (!await seat.member.calm() || isGone(seat)) return false;
      seat.member.tell(message);
    }
    return true;
  }

  /** Puts a member out, if it has all that it is given. */
  #seeOut(seat: Seat): void {
    const { farewell, position, last, member } = seat;
    if (farewell === undefined || position < last) return;
    this.#remove(seat);
    member.putOut(farewell);
  }

  #remove(seat: Seat): void {
    seat.state = "gone";
    if (this.#seats.delete(seat) && this.#seats.size === 0) this.#options.onEmpty();
  }
}

function isGone(seat: Seat): boolean {
  return seat.state === "gone";
}

function give(
  seat: Seat,
  entry: LogEntry,
  encoded: Uint8Array | undefined,
  before: readonly Uint8Array[] = [],
): void {
  if (isGone(seat) || entry.seq <= seat.position || entry.seq > seat.last) return;
  seat.position = entry.seq;
  for (const message of before) seat.member.tell(message);
  if (encoded !== undefined) seat.member.deliver(entry, encoded);
}
