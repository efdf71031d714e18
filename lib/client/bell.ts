/**
 * When the terminal's bell rings: for what others say now, not for what was said before.
 *
 * @module
 */

import type { MessageEvent } from "./events.ts";

/** Every way to ring: never, when one is mentioned or written to, for every message. */
export const BELL_MODES = ["off", "mention", "all"] as const;

/** One of them. */
export type BellMode = (typeof BELL_MODES)[number];

/** Milliseconds between two rings: ten messages at once are one sound. */
const REST_MS = 1_000;

/** See the module's description. */
export class Bell {
  /** When to ring. */
  mode: BellMode = "mention";
  readonly #user: string;
  readonly #now: () => number;
  #rangAt = -Infinity;

  /**
   * @param user the own account's name: what it says elsewhere does not ring.
   * @param now milliseconds, on any clock that does not go back.
   */
  constructor(user: string, now: () => number = () => performance.now()) {
    this.#user = user;
    this.#now = now;
  }

  /** Whether to ring for a message; if so, the next second is silent. */
  ringsFor({ sender, history, mention, peer }: MessageEvent): boolean {
    const isForMe = mention === true || peer !== undefined;
    const isMeant = this.mode === "all" || this.mode === "mention" && isForMe;
    if (!isMeant || history || sender === this.#user) return false;
    const now = this.#now();
    if (now - this.#rangAt < REST_MS) return false;
    this.#rangAt = now;
    return true;
  }
}
