/**
 * How a session ends: noted once, told to the peer where it can still understand, and cut off where
 * it does not take that in time.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import type { ByteStream, SecureChannel } from "../protocol/channel.ts";
import { explain } from "./explain.ts";
import type { Outbound } from "./outbound.ts";

/** Faults after which the peer could not read, or not understand, a good-bye. */
const BEYOND_WORDS = ["connection-cut", "record-invalid"];

/** What a teardown works with. */
export interface TeardownOptions {
  stream: ByteStream;
  /** Milliseconds that a peer has to take its last words. */
  farewellMs: number;
  /** The channel, as soon as there is one. */
  channel(): SecureChannel | undefined;
  /** What the peer would understand now, if it would anything. */
  outbound(): Outbound | undefined;
  /** Called once, with why it ends; without a reason, the peer left. */
  note(why: unknown): void;
}

/** See the module's description. */
export class Teardown {
  readonly #options: TeardownOptions;
  readonly #over = new AbortController();
  #hasBegun = false;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(options: TeardownOptions) {
    this.#options = options;
  }

  /** Aborted when nothing is worth waiting for any more. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether it is over, and that was noted. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** The peer left: everything was said. */
  left(): void {
    this.#note(undefined);
  }

  /** Ends the connection after an error, whose reason the peer learns. Never throws. */
  async fail(error: unknown): Promise<void> {
    if (this.#hasBegun) return;
    this.#note(error);
    await this.#explain(error).catch(() => this.abort());
  }

  /** Ends the connection, with a reason that the peer has some time to take. */
  dismiss(error: unknown, farewellMs: number = this.#options.farewellMs): void {
    if (this.#hasBegun) return;
    this.#note(error);
    this.#abortAfter(farewellMs);
    const { code, message } = explain(error);
    this.stop(code, message).catch(() => this.abort());
  }

  /** Ends the connection without a word, for that reason. */
  cut(why: PeerError): void {
    this.#note(why);
    this.abort();
  }

  /**
   * Says good-bye with a reason and sends what waits. The connection ends when the client closes its
   * side: closing ours first could cost it the last words (a TCP reset drops what is on its way).
   */
  async stop(code: string, message: string): Promise<void> {
    this.#over.abort();
    const outbound = this.#options.outbound();
    if (outbound === undefined) return this.abort();
    await outbound.farewell(code, message);
  }

  /** Ends the connection without a word. */
  abort(): void {
    this.#over.abort();
    try {
      this.#options.stream.close();
    } catch {
      // It was closed already, which is what is wanted.
    }
  }

  /** Releases the connection: nothing is read from it any more. */
  release(): void {
    this.#over.abort();
    clearTimeout(this.#patience);
    const channel = this.#options.channel();
    if (channel === undefined) return this.abort();
    channel.abort(new PeerError("connection-cut", "The session is over"));
  }

  /** Tells the peer why its connection ends, where it can still understand. */
  async #explain(error: unknown): Promise<void> {
    const { code, message } = explain(error);
    if (BEYOND_WORDS.includes(code)) return;
    this.#abortAfter(this.#options.farewellMs);
    await this.stop(code, message);
    await this.#options.channel()?.close();
  }

  #abortAfter(milliseconds: number): void {
    this.#patience = setTimeout(() => this.abort(), milliseconds);
  }

  #note(why: unknown): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#options.note(why);
  }
}
