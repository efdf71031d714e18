/**
 * A member of a room, as it outlives connections: how far the log was followed, what is still to be
 * sent, what was asked for; and what it makes of a server's messages.
 *
 * @module
 */

import { EnvironmentError, PeerError } from "../errors.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { EventQueue } from "./events.ts";
import { Follower } from "./follower.ts";
import { History } from "./history.ts";
import type { Link } from "./link.ts";
import { PastPages } from "./past_pages.ts";
import { Outbox, type Outgoing, type SentEntry } from "./outbox.ts";
import { entryOf, RoomState } from "./room_state.ts";

type Joined = MessageOf<ServerMessage, "joined">;

/** See the module's description. */
export class Member {
  /** The account's name. */
  readonly user: string;
  readonly state: RoomState;
  readonly outbox = new Outbox();
  readonly history: History;
  readonly #pages: PastPages;
  readonly #events: EventQueue;
  readonly #follower: Follower;
  #link: Link | undefined;
  #progressed = false;

  constructor(user: string, joined: Joined, events: EventQueue) {
    this.user = user;
    this.state = new RoomState(joined);
    this.#events = events;
    const { state, outbox } = this;
    this.#follower = new Follower({ user, state, outbox, events });
    const { room } = state;
    this.#pages = new PastPages({ room, send: (message) => this.#link?.send(message) });
    this.history = new History({ state, events, pages: this.#pages });
  }

  /** The connection that there is now. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** Whether the last connection brought the room forward. */
  get progressed(): boolean {
    return this.#progressed;
  }

  /** Joined again after an outage: tells so, and what changed meanwhile. */
  async rejoin(joined: Joined): Promise<void> {
    const { room, last_seq } = joined;
    await this.#events.push({ type: "reconnected", room, last_seq });
    await this.#follower.report(this.state.rejoin(joined));
    await this.#follower.takeKeys(joined.keys);
  }

  /** Lives on a connection to its end; returns why it ended. */
  async run(link: Link): Promise<unknown> {
    this.#link = link;
    this.#progressed = false;
    this.#pages.resume();
    if (!this.state.isBehind) this.#resume();
    const why = await link.run((message) => this.#handle(message));
    this.#link = undefined;
    this.outbox.pause();
    return why;
  }

  /** Gives up what waits. */
  abandon(reason: unknown): void {
    this.outbox.abandon(reason);
    this.#pages.abandon(reason);
  }

  async #handle(message: ServerMessage): Promise<void> {
    switch (message.type) {
      case "message":
        return await this.#deliver(message);
      case "ack":
        this.#progressed = true;
        return await this.#follower.acknowledge(message);
      case "error":
        return await this.#refuse(message);
      case "past":
        return this.#pages.add(entryOf(message));
      case "history_end":
        return await this.#pages.end(message);
      case "keys":
        this.#checkRoom(message.room);
        return await this.#follower.takeKeys(message.keys);
      default:
        throw new PeerError("message-unexpected", `Not the time for a message ${message.type}`);
    }
  }

  async #deliver(message: MessageOf<ServerMessage, "message">): Promise<void> {
    this.#checkRoom(message.room);
    this.#progressed = true;
    const wasBehind = this.state.isBehind;
    await this.#follower.deliver(message);
    if (wasBehind && !this.state.isBehind) this.#resume();
  }

  async #refuse(message: MessageOf<ServerMessage, "error">): Promise<void> {
    await this.#follower.refuse(message);
    if (message.code !== "history-failed") return;
    await this.#pages.fail(new EnvironmentError(message.code, message.message));
  }

  /** Only now is it known which own messages are in the log already. */
  #resume(): void {
    this.outbox.open((message, sealed) => this.#transmit(message, sealed));
  }

  #transmit(message: Outgoing, sealed?: SentEntry): SentEntry {
    const entry = this.state.seal(this.user, message, sealed);
    const { room, messageId: id, sentAt: sent_at, keyId: key_id, token } = entry;
    this.#link?.send({ type: "send", room, id, sent_at, key_id, token });
    return entry;
  }

  #checkRoom(room: string): void {
    if (room === this.state.room) return;
    throw new PeerError("room-inconsistent", "The server speaks of a room that was not joined");
  }
}
