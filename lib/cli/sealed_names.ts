/**
 * Which rooms of a database are sealed: what is in them is for the members' keys, so an operator who
 * cannot read it has lost nothing.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { openDatabaseForReading } from "../database.ts";
import { FernchatError } from "../errors.ts";
import { RoomTable } from "../rooms/room_table.ts";

/** See the module's description. Also while a server writes to the database. */
export class SealedNames implements Disposable {
  readonly #database: DatabaseSync;
  readonly #rooms: RoomTable;
  /** A room's kind never changes. */
  readonly #known = new Map<string, boolean>();

  private constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#rooms = new RoomTable(database, path);
  }

  /** Never makes a file. Throws `EnvironmentError` if the database cannot be opened. */
  static open(path: string): SealedNames {
    return new SealedNames(openDatabaseForReading(path), path);
  }

  /** Whether a room is sealed, as far as the database tells. */
  has(room: string): boolean {
    const known = this.#known.get(room) ?? this.#look(room);
    if (known !== undefined) this.#known.set(room, known);
    return known ?? false;
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  /** Undefined if there is no such room, or a file of an early version, or a damaged one, tells none. */
  #look(room: string): boolean | undefined {
    try {
      const found = this.#rooms.find(room);
      return found && found.kind === "sealed";
    } catch (error) {
      if (error instanceof FernchatError) return undefined;
      throw error;
    }
  }
}
