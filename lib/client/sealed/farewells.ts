/**
 * Members who have asked to leave are shut out by another member's commit: that of the first client
 * whose time has come.
 *
 * @module
 */

import type { SealedRoom } from "./sealed_room.ts";

/** Milliseconds until then: drawn, so that one client of many does it. */
const WAIT_MS = { least: 200, most: 2_000 };

/** See the module's description. */
export class Farewells {
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #onError: (error: unknown, room: string) => void;

  /** @param onError takes why somebody could not be shut out. */
  constructor(onError: (error: unknown, room: string) => void) {
    this.#onError = onError;
  }

  /** Shuts out who has asked to leave a room, unless somebody is faster. */
  await(name: string, room: SealedRoom): void {
    const { least, most } = WAIT_MS;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      room.shutOutLeaving().catch((error) => this.#onError(error, name));
    }, least + Math.random() * (most - least));
    this.#timers.add(timer);
  }

  /** Leaves it to others. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
