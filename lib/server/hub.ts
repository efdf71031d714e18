/**
 * The hub: who is in which room, and the way of a message from its sender through the log to all
 * members. It knows no connections: a member is whoever takes deliveries.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import { checkTokenShape, type KeyRing } from "../fernet.ts";
import type { Along, LogEntry, MessageLog, NewEntry } from "../log/message_log.ts";
import { encodeServerMessage, type ServerMessage } from "../protocol/messages.ts";
import { openText } from "../rooms/open_room.ts";
import { CommitParts } from "./commit_parts.ts";
import { type HistoryPage, readHistory } from "./history.ts";
import { KEY_GRACE_MS } from "./limits.ts";
import { type Farewell, type Member, type Membership, Seating, type Start } from "./seating.ts";

export type { Farewell, Member, Membership, Start } from "./seating.ts";

/** What a hub asks of sealed rooms. Methods throw `EnvironmentError` if that fails. */
export interface SealedRoomsView {
  /** The id of the key with which an account may write to a room now; undefined for nobody there. */
  keyOf(room: string, user: string): string | undefined;
  /** The bytes of the commit that an entry stands for; undefined if it stands for none. */
  commitOf(room: string, seq: number): Uint8Array | undefined;
}

/** What a hub may be told. */
export interface HubOptions {
  /** The sealed rooms; without them there is none. */
  sealed?: SealedRoomsView;
  /** Counts milliseconds. */
  now?(): number;
}

interface Room {
  isSealed: boolean;
  seating: Seating;
  /** Stops listening to its log. */
  close(): void;
}

const NONE: SealedRoomsView = { keyOf: () => undefined, commitOf: () => undefined };

/** See the module's description. One hub per server. */
export class Hub {
  readonly #log: MessageLog;
  readonly #rooms = new Map<string, Room>();
  readonly #sealed: SealedRoomsView;
  readonly #commitParts: CommitParts;
  /** Commits on their way into the log, by their rooms. */
  readonly #commits = new Map<string, Promise<unknown>>();
  readonly #now: () => number;
  #ring: KeyRing;
  #rotatedAt = -Infinity;

  /** `ring` has the Fernet keys of the open rooms, newest first. */
  constructor(
    log: MessageLog,
    ring: KeyRing,
    { sealed = NONE, now = () => performance.now() }: HubOptions = {},
  ) {
    this.#log = log;
    this.#ring = ring;
    this.#sealed = sealed;
    this.#commitParts = new CommitParts((room, seq) => sealed.commitOf(room, seq));
    this.#now = now;
  }

  /** Opens an open room for good, unless it is. Throws `EnvironmentError` if its log cannot be read. */
  open(name: string): void {
    this.#place(name, false);
  }

  /** The Fernet keys of the open rooms. */
  get ring(): KeyRing {
    return this.#ring;
  }

  /** Whether there is an open room of that name, or anybody in a sealed one. */
  has(room: string): boolean {
    return this.#rooms.has(room);
  }

  /** Takes a seat in an open room that there is; deliveries begin where it says. */
  join(room: string, member: Member, start: Start = {}): Promise<Membership> {
    return (this.#rooms.get(room) as Room).seating.take(member, start);
  }

  /** The same in a sealed room, of which the account has to be a member. */
  joinSealed(room: string, member: Member, start: Start): Promise<Membership> {
    return this.#place(room, true).seating.take(member, start);
  }

  /**
   * Stores a message; resolves when it is durable. Members get it from the log.
   *
   * @throws {PeerError} `key-outdated`; `token-invalid` if the token is none, and in an open room if
   * members could not read it, or it names another sender, room, id or time.
   * @throws {EnvironmentError} if it cannot be stored.
   */
  async post(entry: NewEntry): Promise<LogEntry> {
    const { room } = entry;
    for (let commit; (commit = this.#commits.get(room)) !== undefined;) await commit;
    // From here to the log in one step: no commit comes between.
    if (this.#rooms.get(room)?.isSealed) this.#checkSealed(entry);
    else this.#checkOpen(entry);
    return await this.#log.append(entry);
  }

  /**
   * Stores a commit of a sealed room with what belongs to it; resolves when both are durable. What
   * is posted meanwhile waits, and is checked against the new epoch.
   *
   * @throws {EnvironmentError} if it cannot be stored, and whatever `along` throws.
   */
  async commit(entry: NewEntry, along: Along): Promise<LogEntry> {
    const { room } = entry;
    checkTokenShape(entry.token);
    for (let commit; (commit = this.#commits.get(room)) !== undefined;) await commit;
    const stored = this.#log.append(entry, along);
    const settled = stored.catch(() => {}).then(() => this.#commits.delete(room));
    this.#commits.set(room, settled);
    return await stored;
  }

  /** Puts an account's members out of a room: when they have the entry `last`, or at once. */
  expel(room: string, user: string, farewell: Farewell, last = 0): void {
    this.#rooms.get(room)?.seating.expel(user, farewell, last);
  }

  /** Seals what comes from now on with the ring's first key, and tells all members of open rooms. */
  rotate(ring: KeyRing): void {
    if (ring.primary.id !== this.#ring.primary.id) this.#rotatedAt = this.#now();
    this.#ring = ring;
    const keys = ring.keys.map(String);
    for (const [room, { isSealed }] of this.#rooms) {
      if (!isSealed) this.tell(room, { type: "keys", room, keys });
    }
  }

  /** Tells all members of a room. Who has not started yet is told with the answer to its join. */
  tell(room: string, message: ServerMessage): void {
    this.#rooms.get(room)?.seating.tell(encodeServerMessage(message));
  }

  /** The last entries before a `seq`, none up to `since`; see {@linkcode readHistory}. */
  history(room: string, before: number, limit: number, since = 0): Promise<HistoryPage> {
    return readHistory(this.#log, room, { before, limit, since });
  }

  /** Stops listening to the logs. */
  close(): void {
    for (const room of this.#rooms.values()) room.close();
  }

  /** A sealed room is there as long as somebody is in it. */
  #place(name: string, isSealed: boolean): Room {
    const there = this.#rooms.get(name);
    if (there !== undefined) return there;
    const seating = new Seating({
      room: name,
      log: this.#log,
      before: (seq) => isSealed ? this.#commitParts.of(name, seq) : [],
      onEmpty: () => isSealed && this.#drop(name),
    });
    const close = this.#log.subscribe(name, (entries) => seating.publish(entries));
    const room = { isSealed, seating, close };
    this.#rooms.set(name, room);
    return room;
  }

  #drop(name: string): void {
    this.#rooms.get(name)?.close();
    this.#rooms.delete(name);
  }

  #checkOpen(entry: NewEntry): void {
    const { room, sender, messageId: id, sentAt: sent_at } = entry;
    if (!this.#takesKey(entry.keyId)) throw keyOutdated();
    openText(this.#ring, { room, sender, id, sent_at }, entry);
  }

  #checkSealed({ room, sender, keyId, token }: NewEntry): void {
    if (this.#sealed.keyOf(room, sender) !== keyId) throw keyOutdated();
    checkTokenShape(token);
  }

  #takesKey(id: string): boolean {
    const [newest, before] = this.#ring.keys;
    if (id === newest?.id) return true;
    return id === before?.id && this.#now() - this.#rotatedAt < KEY_GRACE_MS;
  }
}

function keyOutdated(): PeerError {
  return new PeerError("key-outdated", "A message must be sealed with the newest key");
}
