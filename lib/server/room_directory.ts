/**
 * The open rooms that there are, with their settings: the database's table, as it was when it was
 * read last. Other processes may change it.
 *
 * @module
 */

import type { RoomKind } from "../rooms/open_room.ts";
import type { RoomTable } from "../rooms/room_table.ts";
import type { Hub } from "./hub.ts";

/** A room's settings. */
export interface RoomSettings {
  kind: RoomKind;
  /** What it is about; empty for nothing. */
  topic: string;
  /** Seconds between two messages of a member; 0 for no limit. */
  slow: number;
}

/** See the module's description. */
export class RoomDirectory {
  readonly #table: RoomTable;
  readonly #hub: Hub;
  readonly #rooms = new Map<string, RoomSettings>();

  /** Reads the table and opens its rooms. Throws `EnvironmentError` if it cannot be read. */
  constructor(table: RoomTable, hub: Hub) {
    this.#table = table;
    this.#hub = hub;
    this.refresh();
  }

  /** A room's settings, if there is such a room. */
  find(room: string): RoomSettings | undefined {
    return this.#rooms.get(room);
  }

  /**
   * The same, also of a room that another process has made this moment.
   *
   * @throws {EnvironmentError} if that cannot be read.
   */
  look(room: string): RoomSettings | undefined {
    if (!this.#rooms.has(room) && this.#table.find(room)?.kind === "open") this.refresh();
    return this.find(room);
  }

  /** All rooms by name. */
  list(): [room: string, RoomSettings][] {
    return [...this.#rooms];
  }

  /**
   * Reads the table again: opens rooms that are new, and tells members whose room has changed.
   *
   * @param by the account that changed it; none for the server's console.
   * @throws {EnvironmentError} if it cannot be read.
   */
  refresh(by?: string): void {
    for (const { name, kind, topic, slow } of this.#table.listOpen()) {
      const before = this.#rooms.get(name);
      this.#hub.open(name);
      this.#rooms.set(name, { kind, topic, slow });
      if (before === undefined || before.topic === topic && before.slow === slow) continue;
      const author = by === undefined ? {} : { by };
      this.#hub.tell(name, { type: "settings", room: name, topic, slow, ...author });
    }
  }
}
