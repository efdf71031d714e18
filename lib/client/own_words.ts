/**
 * Own messages that are on their way: shown when they are stored, in the log's order, like all
 * others.
 *
 * @module
 */

import type { Said } from "./unread.ts";

/** An own message. */
export interface OwnWords {
  said: Said;
  /** Whether it was sent to another room than the one that the person looked at. */
  isElsewhere: boolean;
}

/** See the module's description. */
export class OwnWordsSent {
  readonly #user: string;
  /** By their ids. */
  readonly #sending = new Map<string, OwnWords>();

  /** @param user the own account's name. */
  constructor(user: string) {
    this.#user = user;
  }

  /** How many there are. */
  get size(): number {
    return this.#sending.size;
  }

  /** What they say, in the order in which they were typed. */
  get texts(): string[] {
    return [...this.#sending.values()].map(({ said }) => said.text);
  }

  /** One is on its way. */
  add(id: string, { text, action }: Pick<Said, "text" | "action">, isElsewhere: boolean): void {
    const sent_at = new Date().toISOString();
    const said = { sender: this.#user, text, sent_at, history: false };
    this.#sending.set(id, { said: action === undefined ? said : { ...said, action }, isElsewhere });
  }

  /** One is stored, or will not be. */
  take(id: string): OwnWords | undefined {
    const own = this.#sending.get(id);
    this.#sending.delete(id);
    return own;
  }
}
