/**
 * A member of a room, as it outlives connections: how far the log was followed, what is still to be
 * sent, what was asked for; and what it makes of a server's messages about the room.
 *
 * @module
 */

import { EnvironmentError, PeerError } from "../errors.ts";
import type { Head } from "../log/message_log.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { RoomKind } from "../rooms/open_room.ts";
import type { EventQueue } from "./event_queue.ts";
import { Follower, type Hold } from "./follower.ts";
import { History } from "./history.ts";
import { Outbox, type Outgoing, type SentEntry } from "./outbox.ts";
import { PastPages } from "./past_pages.ts";
import { entryOf, type Foreknowledge, RoomState } from "./room_state.ts";
import { Search } from "./search.ts";

type Received<T extends ServerMessage["type"]> = MessageOf<ServerMessage, T>;

/** Messages that may wait for one before them: the server goes on meanwhile. */
const MAX_HELD = 4_096;

/** What a room's member sees of it. */
export interface RoomView {
  readonly room: string;
  readonly kind: RoomKind;
  /** Of a direct room: the other one. */
  readonly peer?: string;
  /** The key that is in use: 8 hex digits. */
  readonly keyId: string;
  /** What it is about, as someone typed it: sanitize before it goes to a terminal. */
  readonly topic: string;
  /** Seconds between two messages of a member; 0 for no limit. */
  readonly slow: number;
  /** How far the log was followed. */
  readonly head: Head;
}

/** What a member works with. */
export interface MemberOptions {
  /** The account's name. */
  user: string;
  joined: Received<"joined">;
  /** Of a sealed room, whose keys the server does not give. */
  known?: Foreknowledge;
  events: EventQueue;
  /** Sends, if there is a connection. */
  send(message: ClientMessage): void;
}

/** See the module's description. */
export class Member {
  readonly state: RoomState;
  readonly outbox = new Outbox();
  readonly history: History;
  readonly search: Search;
  readonly #options: MemberOptions;
  readonly #pages: PastPages;
  readonly #follower: Follower;
  #settings: Pick<RoomView, "topic" | "slow">;
  #isPresent = true;
  /** What came behind an entry that is not done with, if one is not. */
  #held: ServerMessage[] | undefined;
  /** How the server broke the protocol with what was kept. */
  #fault: unknown;

  constructor(options: MemberOptions) {
    const { user, joined, known, events, send } = options;
    this.#options = options;
    this.#settings = joined;
    this.state = new RoomState(joined, user, known);
    const { state, outbox } = this;
    this.#follower = new Follower({ user, state, outbox, events });
    // Out of the room there is no history to be had: what is asked for waits until it is in again.
    const ask = (message: ClientMessage): void => this.#isPresent ? send(message) : undefined;
    this.#pages = new PastPages({ room: joined.room, send: ask });
    this.history = new History({ state, events, pages: this.#pages });
    this.search = new Search({ state, events, pages: this.#pages });
  }

  /** The room as it is now. */
  get view(): RoomView {
    const { room, kind, direct, head, cipher: { keyId } } = this.state;
    const { topic, slow } = this.#settings;
    return { room, kind, ...direct, keyId, topic, slow, head };
  }

  /** Whether the server has let it in on the connection that there is, or on the first one to be. */
  get isPresent(): boolean {
    return this.#isPresent;
  }

  /** There is a connection on which it is in the room: goes on with what waits. */
  resume(): void {
    this.#pages.resume();
    this.#openOutbox();
  }

  /** Joined, perhaps where an earlier session ended: tells what is wrong with the server's log. */
  async begin(): Promise<void> {
    await this.#follower.report(this.state.rejoin(this.#options.joined));
  }

  /** Joined again after an outage: tells so, and what changed meanwhile; goes on. */
  async rejoin(joined: Received<"joined">): Promise<void> {
    this.#isPresent = true;
    const { room, kind, last_seq } = joined;
    await this.#options.events.push({ type: "reconnected", room, kind, last_seq });
    await this.#follower.report(this.state.rejoin(joined));
    await this.#follower.takeKeys(joined.keys);
    await this.#takeSettings(joined);
    this.resume();
  }

  /** There is no connection any more. */
  pause(): void {
    this.#isPresent = false;
    this.#fault = undefined;
    this.#held?.splice(0); // it was not followed, and comes again
    this.outbox.pause();
    this.#follower.pause();
  }

  /** Gives up what waits. */
  abandon(reason: unknown): void {
    this.outbox.abandon(reason);
    this.#pages.abandon(reason);
    this.state.cipher.close();
    this.search.abandon();
    this.#options.events.release(this.state.room);
  }

  /**
   * Takes a message about the room.
   *
   * @throws {PeerError} if the server breaks the protocol.
   */
  async handle(message: ServerMessage): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault;
    if (this.#held === undefined) {
      const hold = await this.#handle(message);
      if (hold !== undefined) void this.#hold(hold);
      return;
    }
    this.#held.push(message);
    if (this.#held.length <= MAX_HELD) return;
    throw new PeerError("message-unexpected", "The server says too much before it answers");
  }

  /** Returns what the next message has to wait for, if it has to. */
  async #handle(message: ServerMessage): Promise<Hold | undefined> {
    if (message.type === "message") return await this.#deliver(message);
    await this.#takeOther(message);
    return undefined;
  }

  async #takeOther(message: ServerMessage): Promise<void> {
    switch (message.type) {
      case "ack":
        return await this.#follower.acknowledge(message);
      case "error":
        return await this.#refuse(message);
      case "past":
        return this.#pages.add(entryOf(message));
      case "history_end":
        return await this.#pages.end(message);
      case "commit_part":
        return this.#follower.takeCommitPart(message);
      case "keys":
        return await this.#follower.takeKeys(message.keys);
      case "settings":
        return await this.#takeSettings(message);
      case "presence":
        return await this.#tellPresence(message);
      default:
        throw new PeerError("message-unexpected", `Not the time for a message ${message.type}`);
    }
  }

  async #deliver(message: Received<"message">): Promise<Hold | undefined> {
    const hold = await this.#follower.deliver(message);
    if (hold === undefined) this.#openOutbox();
    return hold;
  }

  /** Keeps what comes, until what it is behind is done with. */
  async #hold(first: Hold): Promise<void> {
    const held: ServerMessage[] = [];
    this.#held = held;
    let hold: Hold | undefined = first;
    while (hold !== undefined || held.length > 0) {
      await hold?.until;
      hold = await this.#takeHeld(held.shift());
    }
    this.#held = undefined;
    this.#openOutbox();
  }

  async #takeHeld(message: ServerMessage | undefined): Promise<Hold | undefined> {
    try {
      return message && await this.#handle(message);
    } catch (error) {
      this.#fault ??= error; // ends the connection with the next message
      return undefined;
    }
  }

  async #refuse(message: Received<"error">): Promise<void> {
    await this.#follower.refuse(message);
    if (message.code !== "history-failed") return;
    await this.#pages.fail(new EnvironmentError(message.code, message.message));
  }

  async #takeSettings(
    { topic, slow, by }: Pick<Received<"settings">, "topic" | "slow" | "by">,
  ): Promise<void> {
    const before = this.#settings;
    this.#settings = { topic, slow };
    const { room, kind } = this.state;
    const about = { room, kind, ...(by === undefined ? {} : { by }) };
    const { events } = this.#options;
    if (topic !== before.topic) await events.push({ type: "topic", topic, ...about });
    if (slow !== before.slow) await events.push({ type: "slow", seconds: slow, ...about });
  }

  async #tellPresence({ room, changes, more }: Received<"presence">): Promise<void> {
    const { kind } = this.state;
    await this.#options.events.push({ type: "presence", room, kind, changes, more });
  }

  /**
   * Not before the log was followed to its end: only then is it known which own messages are in it.
   */
  #openOutbox(): void {
    const { isBehind, cipher } = this.state;
    // Whoever has the keys of before could read what is sealed with them, in a room that is beyond.
    if (cipher.broken !== undefined) return this.outbox.abandon(cipher.broken);
    if (this.outbox.isOpen || isBehind || !cipher.canSeal || !this.#isPresent) return;
    if (this.#held !== undefined) return;
    this.outbox.open((message, sealed) => this.#transmit(message, sealed));
  }

  #transmit(message: Outgoing, sealed?: SentEntry): SentEntry {
    const { send } = this.#options;
    const entry = this.state.seal(message, sealed);
    const { room, messageId: id, sentAt: sent_at, keyId: key_id, token } = entry;
    send({ type: "send", room, id, sent_at, key_id, token });
    return entry;
  }
}
