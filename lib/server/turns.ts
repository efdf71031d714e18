/**
 * Turns for what costs milliseconds of the processor and may be asked for by anybody: handshakes and
 * logins. One runs at a time, and whatever else is ready runs between two of them, so that a flood
 * of strangers slows strangers, and not those who chat.
 *
 * @module
 */

import { setImmediate } from "node:timers";

/** See the module's description. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn: it does its work before the next `await`. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }
}
