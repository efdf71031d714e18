/**
 * One live connection of a member: its messages in order, keep-alive in both directions (PROTOCOL.md
 * section 7.8), and how it ends.
 *
 * @module
 */

import { EnvironmentError, PeerError } from "../errors.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import {
  type ClientMessage,
  decodeServerMessage,
  type ServerMessage,
} from "../protocol/messages.ts";
import { goodbyeError } from "./endings.ts";
import { send } from "./exchange.ts";
import type { Timing } from "./timing.ts";

/** Takes a message. The next one comes when it is done; what it throws ends the connection. */
export type Handler = (message: ServerMessage) => Promise<void>;

/** See the module's description. */
export class Link {
  readonly #channel: SecureChannel;
  readonly #timing: Timing;
  readonly #began = performance.now();
  /** Whether this side waits for a message: only then is no message a silence. */
  #isListening = false;
  /** Looks since the last message. Counted, not timed: a process that slept has heard nothing. */
  #silentLooks = 0;
  #goodbye: Error | undefined;
  #ending: ReturnType<typeof setTimeout> | undefined;

  constructor(channel: SecureChannel, timing: Timing) {
    this.#channel = channel;
    this.#timing = timing;
  }

  /** Milliseconds that it has held. */
  get age(): number {
    return performance.now() - this.#began;
  }

  /** Sends a message. Nothing happens if the connection has ended: {@linkcode run} tells. */
  send(message: ClientMessage): void {
    send(this.#channel, message);
  }

  /** Reads to the end of the connection and releases it; returns why it ended. */
  async run(handle: Handler): Promise<unknown> {
    const { pingMs, lookMs } = this.#timing;
    const pinging = setInterval(() => this.send({ type: "ping" }), pingMs);
    const looking = setInterval(() => this.#endIfSilent(), lookMs);
    const why = await this.#readAll(handle).catch((error) => error);
    clearInterval(pinging);
    clearInterval(looking);
    clearTimeout(this.#ending);
    this.#channel.abort(why);
    return this.#goodbye ?? why;
  }

  /** Says good-bye, and waits a moment for the server's; {@linkcode run} ends with it. */
  async leave(): Promise<void> {
    this.#endSoon();
    await this.#channel.closeWrite();
  }

  /** Ends it at once. */
  abort(): void {
    this.#channel.abort(new PeerError("connection-cut", "The connection is closed"));
  }

  async #readAll(handle: Handler): Promise<unknown> {
    for (;;) {
      this.#isListening = true;
      const encoded = await this.#channel.receive();
      this.#isListening = false;
      this.#silentLooks = 0;
      if (encoded === null) {
        return new EnvironmentError("server-closed", "The server closed the connection");
      }
      const message = decodeServerMessage(encoded);
      if (message.type === "bye") this.#hearGoodbye(goodbyeError(message));
      else if (message.type !== "pong") await handle(message);
    }
  }

  /** A close record follows: whoever leaves it unread resets the connection. */
  #hearGoodbye(goodbye: Error): void {
    this.#goodbye = goodbye;
    this.#endSoon();
  }

  #endSoon(): void {
    const late = new PeerError("deadline-missed", "The server did not close in time");
    this.#ending ??= setTimeout(() => this.#channel.abort(late), this.#timing.closeMs);
  }

  #endIfSilent(): void {
    const { silenceMs, lookMs } = this.#timing;
    if (this.#isListening) this.#silentLooks += 1;
    if (this.#silentLooks * lookMs <= silenceMs) return;
    this.#channel.abort(
      new PeerError("deadline-missed", "The server is silent: the connection is lost"),
    );
  }
}
