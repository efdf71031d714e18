/**
 * Own messages on their way: between being sent and being acked or refused. Their number is
 * bounded; who sends more waits for a place.
 *
 * @module
 */

import { CallerError, PeerError } from "../errors.ts";
import type { LogEntry } from "../log/message_log.ts";
import type { AckEvent } from "./events.ts";

/** A message as it will be in the log, but for what the log decides. */
export type SentEntry = Omit<LogEntry, "seq" | "chain">;

/** A message on its way. */
interface Unacked {
  entry: SentEntry;
  resolve(ack: AckEvent): void;
  reject(error: unknown): void;
}

/** See the module's description. */
export class Outbox {
  readonly #capacity: number;
  readonly #unacked = new Map<string, Unacked>();
  #waiting = 0;
  #closed = false;
  #changed = Promise.withResolvers<void>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Resolves when another message can be sent without waiting, or none any more. */
  async writable(): Promise<void> {
    while (this.#isFull()) await this.#changed.promise;
  }

  /** Resolves when nothing is on its way, or waits for its turn, any more. */
  async settled(): Promise<void> {
    while (this.#unacked.size + this.#waiting > 0) await this.#changed.promise;
  }

  /**
   * Sends a message as soon as there is a place; resolves with its ack.
   *
   * @param dispatch sends it.
   * @throws {CallerError} `id-invalid` if a message of that id is on its way.
   * @throws {PeerError} if the connection ends before the ack.
   */
  async send(id: string, dispatch: () => SentEntry): Promise<AckEvent> {
    this.#waiting += 1;
    try {
      // No step between the check and the message's place: others may wait for the same one.
      while (this.#isFull()) await this.#changed.promise;
    } finally {
      this.#waiting -= 1;
    }
    if (this.#closed) throw new PeerError("connection-cut", "The connection is closed");
    if (this.#unacked.has(id)) {
      throw new CallerError("id-invalid", `A message of the id ${id} is on its way already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<AckEvent>();
    this.#unacked.set(id, { entry: dispatch(), resolve, reject });
    return await promise;
  }

  /** The message of that id, if it is on its way. */
  find(id: string): SentEntry | undefined {
    return this.#unacked.get(id)?.entry;
  }

  /** It is stored. */
  acknowledge(ack: AckEvent): void {
    this.#take(ack.id)?.resolve(ack);
  }

  /** It will not be stored. */
  refuse(id: string, error: unknown): void {
    this.#take(id)?.reject(error);
  }

  /** Takes no more messages. */
  close(): void {
    this.#closed = true;
    this.#notify();
  }

  /** Gives up what is on its way, and takes no more. */
  abandon(reason: unknown): void {
    for (const id of [...this.#unacked.keys()]) this.refuse(id, reason);
    this.close();
  }

  #isFull(): boolean {
    return this.#unacked.size >= this.#capacity && !this.#closed;
  }

  #take(id: string): Unacked | undefined {
    const unacked = this.#unacked.get(id);
    this.#unacked.delete(id);
    this.#notify();
    return unacked;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
