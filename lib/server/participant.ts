/**
 * A user in a room, over one connection: posts, acks, deliveries and history.
 *
 * @module
 */

import type { LogEntry } from "../log/message_log.ts";
import type { ClientMessage, MessageOf } from "../protocol/messages.ts";
import { encodeEntry } from "./entry_message.ts";
import { explain } from "./explain.ts";
import type { Farewell, Hub, Member, Membership } from "./hub.ts";
import type { Limits } from "./limits.ts";
import type { Outbound } from "./outbound.ts";
import type { RoomSettings } from "./room_directory.ts";

/** Whom a participant tells what it cannot handle itself. */
export interface ParticipantOptions {
  user: string;
  hub: Hub;
  limits: Limits;
  outbound: Outbound;
  /** The log cannot be read on: the connection has to end. */
  onFailure(error: unknown): void;
  /** A message was not stored. */
  onRefused(error: unknown): void;
  /** A message was delivered or acked. */
  onDelivered(): void;
  /** It was put out of the room. */
  onPutOut(room: string, farewell: Farewell): void;
}

/** A room as it is joined: what its members are told of it, and from where on it is theirs. */
export interface Place extends RoomSettings {
  /** Of a direct room: the other one. */
  peer?: string;
  /** What its members may not have: everything up to this `seq`. */
  since: number;
}

/** A message on its way into the log. */
interface Pending {
  token: string;
}

/** See the module's description. */
export class Participant implements Member {
  readonly user: string;
  readonly #options: ParticipantOptions;
  readonly #room: string;
  readonly #since: number;
  /** Own messages on their way into the log, by id: an ack takes the place of their delivery. */
  readonly #pending = new Map<string, Pending>();
  #pendingBytes = 0;
  #lastPost: Promise<void> = Promise.resolve();
  #membership: Membership | undefined;
  #farewell: Farewell | undefined;

  private constructor(options: ParticipantOptions, room: string, since: number) {
    this.#options = options;
    this.user = options.user;
    this.#room = room;
    this.#since = since;
  }

  /**
   * Joins a room that exists, and tells so. Deliveries begin after the entry `after`, if given.
   *
   * @param place the room as it is when it is joined: asked for again when it is.
   */
  static async join(
    options: ParticipantOptions,
    { room, after }: MessageOf<ClientMessage, "join">,
    place: () => Place,
  ): Promise<Participant> {
    const { hub, outbound } = options;
    const { kind, since } = place();
    const participant = new Participant(options, room, since);
    const membership = kind === "open"
      ? await hub.join(room, participant, { after })
      : await hub.joinSealed(room, participant, { after, since });
    participant.#membership = membership;
    const { seq: last_seq, chain: head } = membership.head;
    const { topic, slow, peer } = place();
    const keys = kind === "open" ? hub.ring.keys.map(String) : [];
    const direct = peer === undefined ? {} : { peer };
    outbound.send({
      ...{ type: "joined", room, kind, topic, slow, keys, ...direct, last_seq, head },
    });
    membership.start();
    return participant;
  }

  /** Why it was put out already, if it was. */
  get farewell(): Farewell | undefined {
    return this.#farewell;
  }

  /** Gets no more deliveries. */
  leave(): void {
    this.#membership?.leave();
  }

  /** Resolves when all posts so far were acked or refused. */
  settled(): Promise<void> {
    return this.#lastPost;
  }

  /** Puts a message on its way; resolves when another may follow. */
  async post(message: MessageOf<ClientMessage, "send">): Promise<void> {
    const { room, id, sent_at: sentAt, key_id: keyId, token } = message;
    const { hub, user, limits } = this.#options;
    const pending: Pending = { token };
    this.#pending.set(id, pending);
    this.#pendingBytes += token.length;
    this.#lastPost = hub.post({ room, sender: user, messageId: id, sentAt, keyId, token })
      .then((entry) => this.#settle(entry), (error) => this.#refuse(room, id, error))
      .finally(() => this.#pendingBytes -= token.length);
    // Not awaited before that: what the same client sends next can share the commit.
    if (this.#pendingBytes > limits.maxPendingBytes) await this.#lastPost;
  }

  /** Answers a request for history; resolves when the answer is on its way. */
  async history({ room, before, limit }: MessageOf<ClientMessage, "history">): Promise<void> {
    const { hub, outbound } = this.#options;
    if (!await outbound.calm()) return;
    try {
      const page = await hub.history(room, before, limit, this.#since);
      for (const entry of page.entries) {
        const encoded = encodeEntry("past", entry);
        if (encoded !== undefined) outbound.sendEncoded(encoded);
      }
      outbound.send({ type: "history_end", room, before: page.before, previous: page.previous });
    } catch {
      const message = "The server could not read that part of the log";
      outbound.send({ type: "error", code: "history-failed", message, room });
    }
  }

  deliver(entry: LogEntry, encoded: Uint8Array): void {
    this.#options.onDelivered();
    if (!this.#isAckedBy(entry)) return this.#options.outbound.sendEncoded(encoded);
    this.#pending.delete(entry.messageId);
    this.#ack(entry);
  }

  calm(): Promise<boolean> {
    return this.#options.outbound.calm();
  }

  get isCalm(): boolean {
    return this.#options.outbound.isCalm;
  }

  tell(encoded: Uint8Array): void {
    this.#options.outbound.sendEncoded(encoded);
  }

  putOut(farewell: Farewell): void {
    this.#farewell = farewell;
    this.#options.onPutOut(this.#room, farewell);
  }

  fail(error: unknown): void {
    this.#options.onFailure(error);
  }

  /** The client can follow the chain through an ack only with the very token that it sent here. */
  #isAckedBy({ sender, messageId, token }: LogEntry): boolean {
    return sender === this.#options.user && this.#pending.get(messageId)?.token === token;
  }

  /** An entry that was in the log already, or with another token, is acked here. */
  #settle(entry: LogEntry): void {
    if (this.#pending.delete(entry.messageId)) this.#ack(entry);
  }

  #refuse(room: string, id: string, error: unknown): void {
    this.#pending.delete(id);
    this.#options.onRefused(error);
    this.#options.outbound.send({ type: "error", ...explain(error), room, id });
  }

  #ack({ room, messageId: id, seq, chain }: LogEntry): void {
    this.#options.outbound.send({ type: "ack", room, id, seq, chain });
  }
}
