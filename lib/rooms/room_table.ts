/**
 * The rooms there are, in the server's database. Other processes may change them at any time, so
 * nothing is kept in memory.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { DatabaseAccess } from "../database_access.ts";
import { CallerError, EnvironmentError } from "../errors.ts";
import { quoteText } from "../json_line.ts";
import { roomName, slowSeconds, topic as topicLine } from "../protocol/fields.ts";
import { MAX_SLOW_SECONDS, MAX_TOPIC_CHARS } from "../protocol/limits.ts";
import type { RoomKind } from "./open_room.ts";

/** A room, as all its members know it. */
export interface Room {
  name: string;
  kind: RoomKind;
  /** Empty if there is none. */
  topic: string;
  /** Seconds between two messages of a member; 0 for no limit. */
  slow: number;
  /** ISO 8601, UTC. */
  created_at: string;
}

/** What a room's name would be mistaken for: the server's own words, and everybody. */
const RESERVED: readonly string[] = [
  ...["all", "everyone", "fernchat", "here", "me", "server", "system", "you"],
];

/** How the names of direct rooms begin: of those alone, so that nobody takes one for another. */
const DIRECT_PREFIX = "dm-";
const DIRECT_NAME = /^dm-[0-9a-f]{16}$/;

const SELECT = "SELECT name, kind, topic, slow_seconds AS slow, created_at FROM rooms";

/** The rooms of one database. Each method throws an `EnvironmentError` if that fails. */
export class RoomTable {
  readonly #access: DatabaseAccess;

  /** `path` is for error messages. */
  constructor(database: DatabaseSync, path: string) {
    this.#access = new DatabaseAccess(database, path);
  }

  /** All rooms by name. */
  list(): Room[] {
    return this.#access.all<Room>(`${SELECT} ORDER BY name`);
  }

  /** The room of that name, if there is one. */
  find(name: string): Room | undefined {
    return this.#access.get<Room>(`${SELECT} WHERE name = ?`, name);
  }

  /** The same. Throws `room-unknown`. */
  get(name: string): Room {
    const room = this.find(name);
    if (room === undefined) throw unknown(name);
    return room;
  }

  /** The same for what only open rooms have. Throws `room-unknown`, `room-sealed`. */
  getOpen(name: string): Room {
    const room = this.get(name);
    if (room.kind === "open") return room;
    throw roomSealed(name);
  }

  /** All open rooms by name. */
  listOpen(): Room[] {
    return this.#access.all<Room>(`${SELECT} WHERE kind = 'open' ORDER BY name`);
  }

  /**
   * Makes an open room.
   *
   * @throws {CallerError} `room-invalid`, `room-reserved`, `topic-invalid`.
   * @throws {EnvironmentError} `room-taken`.
   */
  create(name: string, topic: string): Room {
    checkRoomName(name, { direct: false });
    checkTopic(topic);
    return this.#insert(name, "open", topic);
  }

  /**
   * Makes a sealed room: its name and its kind, no more.
   *
   * @param direct whether it is one for two people.
   * @throws {CallerError} `room-invalid`, `room-reserved`.
   * @throws {EnvironmentError} `room-taken`.
   */
  createSealed(name: string, { direct }: { direct: boolean }): Room {
    checkRoomName(name, { direct });
    return this.#insert(name, "sealed", "");
  }

  #insert(name: string, kind: RoomKind, topic: string): Room {
    return this.#access.transaction(() => {
      if (this.find(name) !== undefined) {
        throw new EnvironmentError("room-taken", `There is a room ${name} already`, {
          hint: "choose another name",
        });
      }
      this.#access.change(
        "INSERT INTO rooms (name, kind, topic, slow_seconds, created_at) VALUES (?, ?, ?, ?, ?)",
        ...[name, kind, topic, 0, new Date().toISOString()],
      );
      return this.get(name);
    });
  }

  /** Says what an open room is about. Throws `room-unknown`, `room-sealed`, `topic-invalid`. */
  setTopic(name: string, topic: string): void {
    checkTopic(topic);
    this.#set("topic", topic, name);
  }

  /**
   * Sets the seconds between two messages of a member of an open room. Throws `room-unknown`,
   * `room-sealed`, `slow-invalid`.
   */
  setSlow(name: string, seconds: number): void {
    if (!v.is(slowSeconds, seconds)) {
      throw new CallerError("slow-invalid", `Cannot wait ${seconds} seconds between messages`, {
        hint: `use 0 (no limit) to ${MAX_SLOW_SECONDS}`,
      });
    }
    this.#set("slow_seconds", seconds, name);
  }

  #set(column: "topic" | "slow_seconds", value: string | number, name: string): void {
    this.getOpen(name);
    this.#access.change(`UPDATE rooms SET ${column} = ? WHERE name = ?`, value, name);
  }
}

function checkRoomName(name: string, { direct }: { direct: boolean }): void {
  if (!v.is(roomName, name)) {
    throw new CallerError("room-invalid", `Not a room's name: ${quoteText(name)}`, {
      hint:
        "use 1 to 32 small letters (a-z), digits, dashes and underscores, a letter or digit first",
    });
  }
  if (RESERVED.includes(name) || !fitsKind(name, direct)) {
    throw new CallerError("room-reserved", `Cannot name a room ${name}: the name is reserved`, {
      hint: "choose another name",
    });
  }
}

function fitsKind(name: string, direct: boolean): boolean {
  return direct ? DIRECT_NAME.test(name) : !name.startsWith(DIRECT_PREFIX);
}

/** What operators do in open rooms is not for sealed ones: those have their own admins. */
export function roomSealed(name: string): EnvironmentError {
  return new EnvironmentError("room-sealed", `${name} is a sealed room: its members rule over it`);
}

function checkTopic(topic: string): void {
  if (v.is(topicLine, topic)) return;
  throw new CallerError("topic-invalid", "Cannot use this topic", {
    hint: `write one line of at most ${MAX_TOPIC_CHARS} characters`,
  });
}

function unknown(name: string): EnvironmentError {
  return new EnvironmentError("room-unknown", `There is no room ${quoteText(name)}`, {
    hint: "`room list` shows all rooms",
  });
}
