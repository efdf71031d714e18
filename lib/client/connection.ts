/**
 * The SDK: a connection to a Fernchat server, for the client and for bots. It outlives outages: what
 * is lost is found again, what was said meanwhile is caught up on, what was not acked is sent again.
 *
 * @example
 * ```ts ignore
 * import { connect } from "./lib/client/connection.ts";
 *
 * const chat = await connect({ username: "echo", password: "…" });
 * for await (const event of chat) {
 *   if (event.type !== "message" || event.history || event.sender === chat.user) continue;
 *   await chat.send(event.text);
 * }
 * ```
 *
 * @module
 */

import { CallerError, describeError, PeerError } from "../errors.ts";
import { isMessageId } from "../protocol/messages.ts";
import { checkText, LOBBY } from "../rooms/open_room.ts";
import { type Address, DEFAULT_HOST, DEFAULT_PORT, formatAddress } from "./address.ts";
import { dialAndLogIn, joinRoom, type LoggedIn, type LogIn } from "./enter.ts";
import { type AckEvent, type ClientEvent, type ClosedEvent, codeOf, EventQueue } from "./events.ts";
import { checkHistoryCount } from "./history.ts";
import { Lifetime } from "./lifetime.ts";
import { Link } from "./link.ts";
import type { Credentials } from "./login.ts";
import { Member } from "./member.ts";
import type { RoomState } from "./room_state.ts";
import { TIMING, type Timing } from "./timing.ts";

/** Events that may wait for the owner before the connection stops reading. */
const MAX_WAITING_EVENTS = 1_024;

/** What is to be joined, and how. */
export interface JoinOptions {
  /** The room to join; the lobby by default. */
  room?: string;
  /** Older messages to begin with, at most 1,000; none by default. */
  history?: number;
  /** Milliseconds to go on trying after an outage began; 0 never tries. `Infinity` by default. */
  reconnectForMs?: number;
  /** Other durations than usual. */
  timing?: Partial<Timing>;
}

/**
 * Whom to talk to, as whom, and where. Name and password are kept in memory, to log in again after
 * an outage.
 */
export interface ConnectOptions extends Credentials, Partial<Address>, JoinOptions {}

/** What {@linkcode ChatConnection.join} needs. */
export interface Entrance extends JoinOptions {
  /** Where the server is. */
  server: Address;
  /** Logs in again after an outage. */
  logIn: LogIn;
}

/**
 * Connects, logs in and joins a room.
 *
 * @throws {ConnectError} if there is no server, or the connection ends.
 * @throws {LoginError} if the login fails.
 * @throws {EnvironmentError} `room-unknown`.
 * @throws {CallerError} `name-invalid`, `count-invalid`.
 * @throws {PeerError} if the other side breaks the protocol.
 */
export async function connect(options: ConnectOptions): Promise<ChatConnection> {
  const { hostname = DEFAULT_HOST, port = DEFAULT_PORT, username, password, ...join } = options;
  const server = { hostname, port };
  const timing = { ...TIMING, ...options.timing };
  const logIn = (): Promise<LoggedIn> => dialAndLogIn(server, { username, password }, timing);
  return await ChatConnection.join(await logIn(), { server, logIn, ...join });
}

/**
 * A member of a room. Iterate over it to get its events; the last one is `closed`. Who does not
 * iterate holds it up after some thousand events.
 */
export class ChatConnection implements AsyncIterable<ClientEvent>, AsyncDisposable {
  readonly #member: Member;
  readonly #events: EventQueue;
  readonly #leaving = new AbortController();
  readonly #ended: Promise<void>;
  #failure: unknown;

  private constructor(member: Member, events: EventQueue, link: Link, entrance: Entrance) {
    this.#member = member;
    this.#events = events;
    const { signal } = this.#leaving;
    const { logIn, reconnectForMs = Infinity } = entrance;
    const timing = { ...TIMING, ...entrance.timing };
    const lifetime = new Lifetime({ member, events, logIn, reconnectForMs, timing, signal });
    this.#ended = this.#live(lifetime, link);
  }

  /**
   * Joins a room on a channel that is logged in. The channel is closed if that fails.
   *
   * @throws what {@linkcode connect} throws.
   */
  static async join({ channel, user }: LoggedIn, entrance: Entrance): Promise<ChatConnection> {
    const { server, room = LOBBY, history = 0 } = entrance;
    const timing = { ...TIMING, ...entrance.timing };
    try {
      checkHistoryCount(history, 0);
      const joined = await joinRoom(channel, { room }, timing);
      const events = new EventQueue(MAX_WAITING_EVENTS);
      const member = new Member(user, joined, events);
      const { kind } = joined;
      events.push({ type: "ready", user, room, server: formatAddress(server), kind });
      member.history.beginWith(history);
      return new ChatConnection(member, events, new Link(channel, timing), entrance);
    } catch (error) {
      await channel.close();
      throw error;
    }
  }

  /** The account's name. */
  get user(): string {
    return this.#member.user;
  }

  /** The room that messages go to: its name, its kind and how far its log was followed. */
  get room(): Pick<RoomState, "room" | "kind" | "head"> {
    return this.#member.state;
  }

  /** Whether there is a connection now. */
  get isOnline(): boolean {
    return this.#member.link !== undefined;
  }

  /** Own messages that are not stored yet, as far as this side knows. */
  get unstored(): number {
    return this.#member.outbox.size;
  }

  /** Why it ended, unless this side ended it. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Sends a text, as soon as there is a connection; resolves when the server has stored it. With 256
   * on their way already, waits for one of them first.
   *
   * @param id names the message; unique for this user and room. Made if not given.
   * @throws {CallerError} `text-too-long`, `text-invalid`, `id-invalid`: nothing was sent.
   * @throws {PeerError} if the server found it not to be valid, or the connection ended for good
   * before the ack.
   * @throws {EnvironmentError} if the server could not store it.
   */
  async send(text: string, id: string = crypto.randomUUID()): Promise<AckEvent> {
    checkText(text);
    if (!isMessageId(id)) throw badId(id);
    return await this.#member.outbox.send({ id, text, sentAt: new Date().toISOString() });
  }

  /**
   * Brings messages from before the oldest that was shown, as events with `history` true; resolves
   * when they are there.
   *
   * @param count 1 to 1,000.
   * @throws what {@linkcode History.show} throws.
   */
  async showHistory(count: number): Promise<void> {
    await this.#member.history.show(count);
  }

  /** Resolves when another message can be sent without waiting. */
  writable(): Promise<void> {
    return this.#member.outbox.writable();
  }

  /** Resolves when no own message waits for its ack any more, and no history is on its way. */
  async settled(): Promise<void> {
    const { outbox, history } = this.#member;
    await Promise.all([outbox.settled(), history.settled()]);
  }

  /**
   * Waits for the acks of what was sent, over outages too, says good-bye and closes. Safe to call
   * again.
   */
  async close(): Promise<void> {
    this.#events.unbound(); // the acks come behind events that nobody may read any more
    await this.#member.outbox.settled();
    this.#member.outbox.close();
    this.#leaving.abort();
    await this.#member.link?.leave();
    await this.#ended;
  }

  /** Leaves at once: whether the server stores what it has not acked is not known then. */
  abandon(): void {
    this.#leaving.abort();
    this.#member.link?.abort();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<ClientEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  async #live(lifetime: Lifetime, first: Link): Promise<void> {
    let closed: ClosedEvent = { type: "closed", reason: "left", message: "You left" };
    try {
      await lifetime.live(first);
    } catch (error) {
      this.#failure = error;
      closed = { type: "closed", reason: codeOf(error), message: describeError(error) };
    }
    this.#member.abandon(new PeerError("connection-cut", closed.message));
    this.#events.unbound();
    await this.#events.push(closed);
  }
}

function badId(id: string): CallerError {
  return new CallerError("id-invalid", `Cannot name a message ${JSON.stringify(id.slice(0, 80))}`, {
    hint: "use 1 to 64 letters, digits, dots, colons, dashes or underscores",
  });
}
