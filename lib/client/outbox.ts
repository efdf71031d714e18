/**
 * Own messages from being said to being stored, over outages too. Their number is bounded; who
 * sends more waits for a place.
 *
 * @module
 */

import { CallerError, PeerError } from "../errors.ts";
import type { LogEntry } from "../log/message_log.ts";
import { isMessageId } from "../protocol/messages.ts";
import type { Manner } from "../rooms/payload.ts";
import type { AckEvent } from "./events.ts";

/** Own messages that may wait for their acks: enough to fill a server's commits. */
export const MAX_UNACKED = 256;

/** A message as it will be in the log, but for what the log decides. */
export type SentEntry = Omit<LogEntry, "seq" | "chain">;

/** An own message that is not stored yet. */
export interface Outgoing extends Readonly<Manner> {
  readonly id: string;
  readonly text: string;
  /** ISO 8601, UTC, milliseconds: when it was said. */
  readonly sentAt: string;
  /** In a sealed room: this account leaves, and says so to the others. */
  readonly leave?: true;
}

/** A message on its way. */
export interface InFlight {
  /** As it was sealed and sent last. */
  entry: SentEntry;
  /** How often it was sent on the connection that there is now. */
  times: number;
}

interface Waiting extends Partial<InFlight> {
  message: Outgoing;
  resolve(ack: AckEvent): void;
  reject(error: unknown): void;
}

/** Seals a message, unless it is well sealed already, and sends it. */
export type Transmit = (message: Outgoing, sealed?: SentEntry) => SentEntry;

/** See the module's description. */
export class Outbox {
  readonly #capacity: number;
  readonly #waiting = new Map<string, Waiting>();
  #withoutPlace = 0;
  #transmit: Transmit | undefined;
  /** Why it takes no more messages, if so. */
  #closed: unknown;
  #changed = Promise.withResolvers<void>();

  constructor(capacity: number = MAX_UNACKED) {
    this.#capacity = capacity;
  }

  /** Messages that are not stored yet, with those that have no place yet. */
  get size(): number {
    return this.#waiting.size + this.#withoutPlace;
  }

  /** Resolves when another message can be taken without waiting, or none any more. */
  async writable(): Promise<void> {
    while (this.#isFull()) await this.#changed.promise;
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    while (this.size > 0) await this.#changed.promise;
  }

  /**
   * Takes a message as soon as there is a place; resolves with its ack.
   *
   * @throws {CallerError} `id-invalid` if a message of that id waits already.
   * @throws {PeerError} if the outbox is closed before, or what it was given up for.
   */
  async send(message: Outgoing): Promise<AckEvent> {
    this.#withoutPlace += 1;
    try {
      // No step between the check and the message's place: others may wait for the same one.
      while (this.#isFull()) await this.#changed.promise;
    } finally {
      this.#withoutPlace -= 1;
    }
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#waiting.has(message.id)) {
      throw new CallerError("id-invalid", `A message of the id ${message.id} waits already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<AckEvent>();
    const waiting = { message, resolve, reject };
    this.#waiting.set(message.id, waiting);
    this.#send(waiting);
    return await promise;
  }

  /** Whether messages are sent at once. */
  get isOpen(): boolean {
    return this.#transmit !== undefined;
  }

  /** There is a connection: sends what waits, in order, and from now on each message at once. */
  open(transmit: Transmit): void {
    this.#transmit = transmit;
    for (const waiting of this.#waiting.values()) this.#send(waiting);
  }

  /** There is none any more: what waits will be sent again. */
  pause(): void {
    this.#transmit = undefined;
    for (const waiting of this.#waiting.values()) delete waiting.times;
  }

  /** Sends a message once more on the same connection. */
  sendAgain(id: string): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) this.#send(waiting);
  }

  /** Whether a message of that id waits. */
  has(id: string): boolean {
    return this.#waiting.has(id);
  }

  /** A message on its way, as it was sent on this connection. */
  find(id: string): InFlight | undefined {
    const { entry, times } = this.#waiting.get(id) ?? {};
    return entry === undefined || times === undefined ? undefined : { entry, times };
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
  close(reason: unknown = new PeerError("connection-cut", "The connection is closed")): void {
    this.#closed = reason;
    this.#notify();
  }

  /** Gives up what waits, and takes no more. */
  abandon(reason: unknown): void {
    for (const id of [...this.#waiting.keys()]) this.refuse(id, reason);
    this.close(reason);
  }

  #send(waiting: Waiting): void {
    if (this.#transmit === undefined) return;
    waiting.entry = this.#transmit(waiting.message, waiting.entry);
    waiting.times = (waiting.times ?? 0) + 1;
  }

  #isFull(): boolean {
    return this.#waiting.size >= this.#capacity && this.#closed === undefined;
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#notify();
    return waiting;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/**
 * Checks what is to name a message.
 *
 * @throws {CallerError} `id-invalid`.
 */
export function checkMessageId(id: string): void {
  if (isMessageId(id)) return;
  throw new CallerError("id-invalid", `Cannot name a message ${JSON.stringify(id.slice(0, 80))}`, {
    hint: "use 1 to 64 letters, digits, dots, colons, dashes or underscores",
  });
}
