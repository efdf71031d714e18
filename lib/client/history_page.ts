/**
 * Pages of a room's past as they come in, the newest page first: checked backwards along the log's
 * chain, from an entry that is known (PROTOCOL.md sections 7.6 and 9).
 *
 * @module
 */

import type { PeerError } from "../errors.ts";
import { chainNext, chainStart } from "../log/chain.ts";
import type { LogEntry } from "../log/message_log.ts";
import type { RoomState } from "./room_state.ts";

/** How far back a room's past is known. */
export class KnownPast {
  readonly #state: RoomState;
  #before: number;
  /** The chain's value right before that place. */
  #chain: string;

  /** Nothing is known yet, but where the room is followed from. */
  constructor(state: RoomState) {
    this.#state = state;
    this.#before = state.head.seq + 1;
    this.#chain = state.head.chain;
  }

  /** What came before this place is not known. */
  get before(): number {
    return this.#before;
  }

  /** Whether there is nothing older, for this member at least. */
  get isWhole(): boolean {
    return this.#before <= this.#state.cipher.floor + 1;
  }

  /**
   * Goes back by a page.
   *
   * @param previous the chain's value before it, as the server says.
   * @returns what is wrong with the page, if something is.
   */
  extend(page: readonly LogEntry[], previous: string): PeerError | undefined {
    const fault = this.#fits(page, previous)
      ? undefined
      : this.#state.inconsistent(`has a past that does not lead to message ${this.#before}`);
    const first = page[0]?.seq ?? 1;
    // A page that does not fit may begin anywhere: only what leads back is gone on from.
    this.#before = first < this.#before ? first : 1;
    this.#chain = previous;
    return fault;
  }

  #fits(page: readonly LogEntry[], previous: string): boolean {
    const { room } = this.#state;
    const first = this.#before - page.length;
    if (page.length === 0 || first < 1) return false;
    if (first === 1 && previous !== chainStart(room)) return false;
    let chain = previous;
    const follow = page.every((entry, at) => {
      chain = chainNext(chain, entry);
      return entry.room === room && entry.seq === first + at && entry.chain === chain;
    });
    return follow && chain === this.#chain;
  }
}
