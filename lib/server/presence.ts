/**
 * Who is in which room, and what its members are told of it. Changes are gathered: a class that
 * arrives is one message, and who comes back at once was never away.
 *
 * @module
 */

import { MAX_PRESENCE_CHANGES } from "../protocol/limits.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { PresenceChange } from "../protocol/requests.ts";

/** How changes are gathered. */
export interface PresenceOptions {
  /** Milliseconds without another change after which they are told; Infinity never tells. */
  quietMs: number;
  /** Milliseconds after which they are told anyway. */
  mostMs: number;
}

/** Someone slow to log in follows within two seconds; nobody waits for news longer than half a minute. */
const DEFAULTS: PresenceOptions = { quietMs: 2_000, mostMs: 30_000 };

/** What is to be told of someone in a room. */
interface Change {
  moved?: "joined" | "left";
  /** A text while away; null for being back. */
  away?: string | null;
}

interface Room {
  /** How many connections each account has here. */
  counts: Map<string, number>;
  changes: Map<string, Change>;
  since: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

type Announce = (room: string, message: MessageOf<ServerMessage, "presence">) => void;

/** See the module's description. */
export class Presence {
  readonly #announce: Announce;
  readonly #options: PresenceOptions;
  readonly #rooms = new Map<string, Room>();
  readonly #away = new Map<string, string>();

  /** `announce` tells a room's members. */
  constructor(announce: Announce, options: Partial<PresenceOptions> = {}) {
    this.#announce = announce;
    this.#options = { ...DEFAULTS, ...options };
  }

  /** A connection of someone's has joined a room. */
  arrived(name: string, user: string): void {
    const room = this.#room(name);
    const count = room.counts.get(user) ?? 0;
    room.counts.set(user, count + 1);
    if (count === 0) this.#note(name, user, moved(room.changes.get(user), "joined"));
  }

  /** A connection of someone's has left a room. */
  departed(name: string, user: string): void {
    const room = this.#room(name);
    const count = room.counts.get(user) ?? 0;
    if (count > 1) return void room.counts.set(user, count - 1);
    if (room.counts.delete(user)) this.#note(name, user, moved(room.changes.get(user), "left"));
  }

  /** Someone is away, with a text (empty for none). */
  setAway(user: string, text: string): void {
    if (this.#away.get(user) === text) return;
    this.#away.set(user, text);
    this.#noteEverywhere(user, text);
  }

  /** Someone is back, or gone altogether. */
  setBack(user: string): void {
    if (this.#away.delete(user)) this.#noteEverywhere(user, null);
  }

  /** Why someone is away (empty for no reason); undefined if nobody of that name is. */
  awayText(user: string): string | undefined {
    return this.#away.get(user);
  }

  /** Who is in a room, by name. */
  names(room: string): string[] {
    return [...this.#rooms.get(room)?.counts.keys() ?? []].sort(byFoldedName);
  }

  /** The rooms in which someone is. */
  roomsOf(user: string): string[] {
    return [...this.#rooms].filter(([, { counts }]) => counts.has(user)).map(([name]) => name);
  }

  /** How many people are in a room. */
  count(room: string): number {
    return this.#rooms.get(room)?.counts.size ?? 0;
  }

  /** Tells nothing more. */
  close(): void {
    for (const room of this.#rooms.values()) clearTimeout(room.timer);
    this.#rooms.clear();
  }

  #noteEverywhere(user: string, away: string | null): void {
    for (const [name, room] of this.#rooms) {
      if (room.counts.has(user)) this.#note(name, user, { ...room.changes.get(user), away });
    }
  }

  #note(name: string, user: string, change: Change): void {
    const room = this.#room(name);
    if (Object.keys(change).length === 0) room.changes.delete(user);
    else room.changes.set(user, change);
    this.#schedule(name, room);
  }

  #schedule(name: string, room: Room): void {
    const { quietMs, mostMs } = this.#options;
    if (quietMs === Infinity) return room.changes.clear();
    clearTimeout(room.timer);
    if (room.changes.size === 0) {
      room.timer = undefined;
      return;
    }
    const now = performance.now();
    if (room.timer === undefined) room.since = now;
    const delay = Math.max(0, Math.min(quietMs, room.since + mostMs - now));
    room.timer = setTimeout(() => this.#tell(name, room), delay);
  }

  #tell(name: string, room: Room): void {
    room.timer = undefined;
    const all = [...room.changes].flatMap(([user, change]) => listed(user, change));
    room.changes.clear();
    const changes = all.slice(0, MAX_PRESENCE_CHANGES);
    this.#announce(name, {
      type: "presence",
      room: name,
      changes,
      more: all.length - changes.length,
    });
  }

  #room(name: string): Room {
    const room = this.#rooms.get(name) ??
      { counts: new Map(), changes: new Map(), since: 0, timer: undefined };
    this.#rooms.set(name, room);
    return room;
  }
}

/** Who comes and goes before it was told, or goes and comes back, did not move. */
function moved(before: Change = {}, now: "joined" | "left"): Change {
  const { away } = before;
  const kept = now === "left" || away === undefined ? {} : { away };
  return before.moved === undefined ? { ...kept, moved: now } : kept;
}

function listed(user: string, { moved, away }: Change): PresenceChange[] {
  const changes: PresenceChange[] = [];
  if (moved !== undefined) changes.push({ user, change: moved });
  if (away === null && moved === undefined) changes.push({ user, change: "back" });
  if (typeof away === "string") changes.push({ user, change: "away", text: away });
  return changes;
}

function byFoldedName(a: string, b: string): number {
  const [first, second] = [a.toLowerCase(), b.toLowerCase()];
  return first < second ? -1 : first > second ? 1 : 0;
}
