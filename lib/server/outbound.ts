/**
 * What a session says to its peer: bounded in bytes, until the good-bye.
 *
 * @module
 */

import type { SecureChannel } from "../protocol/channel.ts";
import { MAX_SENTENCE_CHARS } from "../protocol/limits.ts";
import { encodeServerMessage, type ServerMessage } from "../protocol/messages.ts";
import type { Limits } from "./limits.ts";

/** See the module's description. */
export class Outbound {
  readonly #channel: SecureChannel;
  readonly #limits: Limits;
  readonly #onSlow: () => void;
  #over = false;

  /** `onSlow` is called once, when the peer leaves too much unread: nothing more is sent then. */
  constructor(channel: SecureChannel, limits: Limits, onSlow: () => void) {
    this.#channel = channel;
    this.#limits = limits;
    this.#onSlow = onSlow;
  }

  /** Says something, in its turn. */
  send(message: ServerMessage): void {
    this.sendEncoded(encodeServerMessage(message));
  }

  /** The same for a message that is encoded already. */
  sendEncoded(encoded: Uint8Array): void {
    if (this.#over) return;
    if (this.#channel.queuedBytes + encoded.length <= this.#limits.maxQueuedBytes) {
      return this.#channel.send(encoded);
    }
    this.#over = true;
    this.#channel.discard(); // it resumes from the log
    this.#onSlow();
  }

  /**
   * Resolves with true when so little waits for the peer that more may be prepared for it, or with
   * false when nothing will be sent any more.
   */
  async calm(): Promise<boolean> {
    return await this.#channel.queuedAtMost(this.#limits.calmQueueBytes) && !this.#over;
  }

  /** Whether so little waits for the peer now. */
  get isCalm(): boolean {
    return !this.#over && this.#channel.queuedBytes <= this.#limits.calmQueueBytes;
  }

  /** Says why it ends, and closes this direction. */
  async farewell(code: string, message: string): Promise<void> {
    this.#over = true;
    const sentence = message.slice(0, MAX_SENTENCE_CHARS);
    this.#channel.send(encodeServerMessage({ type: "bye", code, message: sentence }));
    await this.#channel.closeWrite();
  }
}
