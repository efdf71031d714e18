/**
 * The room that typed lines go to. Whoever is put out of it is in no room until they choose one:
 * what they are typing is not meant for another.
 *
 * @module
 */

import { CallerError } from "../errors.ts";

/** See the module's description. */
export class CurrentRoom {
  #name: string | undefined;
  readonly #onChange: () => void;

  constructor(name: string, onChange: () => void = () => {}) {
    this.#name = name;
    this.#onChange = onChange;
  }

  /** Its name, or undefined in no room. */
  get name(): string | undefined {
    return this.#name;
  }

  /**
   * Its name.
   *
   * @throws {CallerError} `room-missing` in no room.
   */
  need(): string {
    if (this.#name !== undefined) return this.#name;
    throw new CallerError("room-missing", "You are in no room", {
      hint: "/join ROOM enters one, /rooms shows which there are",
    });
  }

  /** Goes to a room that was joined, or to none. */
  switchTo(name: string | undefined): void {
    if (name === this.#name) return;
    this.#name = name;
    this.#onChange();
  }

  /** A room was left. */
  lose(name: string): void {
    if (name === this.#name) this.switchTo(undefined);
  }
}
