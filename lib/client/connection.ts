/**
 * The SDK: a connection to a Fernchat server, for the client and for bots. It outlives outages: what
 * is lost is found again, what was said meanwhile is caught up on, what was not acked is sent again.
 *
 * @example
 * ```ts ignore
 * import { connect } from "./lib/client/connection.ts";
 *
 * const chat = await connect({ username: "echo", password: "…" });
 * await chat.join("physics");
 * for await (const event of chat) {
 *   if (event.type !== "message" || event.history || event.sender === chat.user) continue;
 *   await chat.send(event.text, { room: event.room });
 * }
 * ```
 *
 * @module
 */

import type { Request } from "../protocol/requests.ts";
import { checkText } from "../rooms/open_room.ts";
import { DEFAULT_HOST, DEFAULT_PORT } from "./address.ts";
import { begin, type Beginning } from "./beginning.ts";
import { isSealed, type LoggedIn } from "./enter.ts";
import type { EventQueue } from "./event_queue.ts";
import type { AckEvent, ClientEvent } from "./events.ts";
import type { Ignored } from "./ignored.ts";
import { KeptLogin } from "./kept_login.ts";
import type { Lifetime } from "./lifetime.ts";
import type { RoomView } from "./member.ts";
import type { ConnectOptions, Entrance, JoinOptions, SendOptions } from "./options.ts";
import { checkMessageId } from "./outbox.ts";
import type { AnswerTo } from "./requests.ts";
import type { Search } from "./search.ts";
import { SealedChat } from "./sealed/sealed_chat.ts";
import { TIMING } from "./timing.ts";
import type { Traffic } from "./traffic.ts";

/**
 * Connects, logs in and joins a room.
 *
 * @throws {ConnectError} if there is no server, or the connection ends.
 * @throws {LoginError} if the login fails, `banned`, `account-removed`.
 * @throws {EnvironmentError} `room-unknown`.
 * @throws {CallerError} `name-invalid`, `count-invalid`.
 * @throws {PeerError} if the other side breaks the protocol.
 */
export async function connect(options: ConnectOptions): Promise<ChatConnection> {
  const { hostname = DEFAULT_HOST, port = DEFAULT_PORT, username, password, ...join } = options;
  const server = { hostname, port };
  const login = new KeptLogin(server, { username, password }, { ...TIMING, ...options.timing });
  return await ChatConnection.join(await login.logIn(), { server, login, ...join });
}

/**
 * Someone who is logged in, and in rooms. Iterate over it to get its events; the last one is
 * `closed`. Who does not iterate holds it up after some thousand events.
 */
export class ChatConnection implements AsyncIterable<ClientEvent>, AsyncDisposable {
  readonly #traffic: Traffic;
  readonly #events: EventQueue;
  readonly #lifetime: Lifetime;
  readonly #login: Entrance["login"];
  /** Sealed rooms and direct messages. */
  readonly sealed: SealedChat;

  private constructor({ traffic, events, lifetime }: Beginning, { login }: Entrance) {
    this.#traffic = traffic;
    this.#events = events;
    this.#lifetime = lifetime;
    this.#login = login;
    const { user, requests, sealed: rooms } = traffic;
    this.sealed = new SealedChat({ user, requests, rooms });
  }

  /**
   * Joins a first room on a channel that is logged in. The channel is closed if that fails.
   *
   * @throws what {@linkcode connect} throws.
   */
  static async join(loggedIn: LoggedIn, entrance: Entrance): Promise<ChatConnection> {
    return new ChatConnection(await begin(loggedIn, entrance), entrance);
  }

  /** The account's name. */
  get user(): string {
    return this.#traffic.user;
  }

  /** The rooms that it is in, the first joined first. There may be none. */
  get rooms(): RoomView[] {
    return this.#traffic.rooms.all.map(({ view }) => view);
  }

  /**
   * The first of them, to which messages go unless they name another.
   *
   * @throws {CallerError} `room-missing` if it is in none.
   */
  get room(): RoomView {
    return this.#traffic.rooms.get().view;
  }

  /** Whether there is a connection now. */
  get isOnline(): boolean {
    return this.#traffic.link !== undefined;
  }

  /** Whose messages and presence its events leave out. */
  get ignored(): Ignored {
    return this.#events.ignored;
  }

  /** Own messages that are not stored yet, as far as this side knows. */
  get unstored(): number {
    return this.#traffic.rooms.all.reduce((sum, { outbox }) => sum + outbox.size, 0);
  }

  /** Why it ended, unless this side ended it. */
  get failure(): unknown {
    return this.#lifetime.failure;
  }

  /**
   * Joins another room; resolves when it is in. Its event `joined` comes before all others of the
   * room.
   *
   * @throws {CallerError} `room-invalid`, `room-joined`, `too-many`, `count-invalid`.
   * @throws {EnvironmentError} with the server's code if it refuses, such as `room-unknown`;
   * `not-connected` during an outage, `connection-cut` if one begins.
   */
  async join(room: string, { history = 0 }: Pick<JoinOptions, "history"> = {}): Promise<RoomView> {
    const { rooms, sealed } = this.#traffic;
    if (await sealed.has(room)) return await sealed.enter(room, history);
    try {
      const view = await rooms.join(room, history);
      await sealed.checkOpen(room); // the vault may have been opened meanwhile
      return view;
    } catch (error) {
      if (isSealed(error)) return await sealed.enter(room, history);
      throw error;
    }
  }

  /**
   * Leaves a room, after what was sent there is stored, over outages too; resolves when it is out.
   * Who has left the last room stays connected. A sealed room is only left for now: see
   * {@linkcode SealedChat.leave}.
   *
   * @throws {CallerError} `room-unknown` if it is not there.
   */
  async leave(room: string): Promise<void> {
    if (this.#traffic.sealed.isIn(room)) await this.#traffic.sealed.get(room).save();
    await this.#traffic.rooms.leave(room);
  }

  /**
   * Sends a text, as soon as there is a connection; resolves when the server has stored it. With 256
   * on their way to the room already, waits for one of them first.
   *
   * @throws {CallerError} `text-too-long`, `text-invalid`, `id-invalid`, `room-unknown`,
   * `room-missing`, `identity-changed`: nothing was sent.
   * @throws {PeerError} if the server found it not to be valid, or the connection ended for good
   * before the ack.
   * @throws {EnvironmentError} if the server does not store it, with its code, such as `muted` or
   * `slow-mode`; or if this side came out of the room before the ack, with that code.
   */
  async send(text: string, options: SendOptions = {}): Promise<AckEvent> {
    const { id = crypto.randomUUID(), room, action } = options;
    checkText(text);
    checkMessageId(id);
    const { outbox, state } = this.#traffic.rooms.get(room);
    if (state.kind === "sealed") await this.sealed.checkSend(state.room);
    this.#traffic.speak();
    const sentAt = new Date().toISOString();
    return await outbox.send({ id, text, sentAt, ...(action === undefined ? {} : { action }) });
  }

  /**
   * Brings messages from before the oldest that was shown, as events with `history` true; resolves
   * when they are there.
   *
   * @param count 1 to 1,000.
   * @param room by default the one that was joined first.
   * @throws {CallerError} `room-unknown`, `room-missing`, and what {@linkcode History.show} throws.
   */
  async showHistory(count: number, room?: string): Promise<void> {
    await this.#traffic.rooms.get(room).history.show(count);
  }

  /**
   * The search of a room. What it finds, how far it is and how it ends are events `found` and
   * `search`; {@linkcode settled} waits for the end.
   *
   * @param room by default the one that was joined first.
   * @throws {CallerError} `room-unknown`, `room-missing`.
   */
  searchIn(room?: string): Pick<Search, "start" | "more" | "stop"> {
    return this.#traffic.rooms.get(room).search;
  }

  /**
   * Asks the server to tell or to do something, such as `{ do: "names", room: "lobby" }`; resolves
   * with the answer.
   *
   * @throws {CallerError} `request-invalid`: nothing was sent.
   * @throws {EnvironmentError} with the server's code if it refuses; `not-connected` during an
   * outage, `connection-cut` if one begins before the answer.
   */
  async request<R extends Request>(request: R): Promise<AnswerTo<R["do"]>> {
    return await this.#traffic.requests.ask(request);
  }

  /**
   * Tells others that this user is away, until {@linkcode back}, over outages too.
   *
   * @param text why; may be empty.
   * @throws what {@linkcode request} throws, but for an outage.
   */
  async setAway(text: string): Promise<void> {
    await this.#traffic.setAway(text);
  }

  /** Tells others that this user is back. See {@linkcode setAway}. */
  async back(): Promise<void> {
    await this.#traffic.setAway(undefined);
  }

  /**
   * Changes the account's password, over a second connection. This one goes on, and logs in with the
   * new one after the next outage.
   *
   * @throws {LoginError} `login-refused` if `current` is not the password.
   * @throws {ConnectError} if there is no server, or the connection ends: then either may hold.
   */
  async changePassword(current: string, next: string): Promise<void> {
    const rewrap = await this.#traffic.sealed.rewrapper();
    await this.#login.changePassword(current, next, rewrap);
    await this.#traffic.sealed.rewrapped();
  }

  /** Resolves when another message to a room can be sent without waiting. */
  async writable(room?: string): Promise<void> {
    await this.#traffic.rooms.get(room).outbox.writable();
  }

  /** Resolves when no own message waits for its ack any more, and no history or search is under way. */
  async settled(): Promise<void> {
    const { all } = this.#traffic.rooms;
    await Promise.all(
      all.flatMap((member) => [member.outbox, member.history, member.search])
        .map((part) => part.settled()),
    );
  }

  /**
   * Waits for the acks of what was sent, over outages too, says good-bye and closes. Safe to call
   * again.
   */
  async close(): Promise<void> {
    await this.#lifetime.close();
  }

  /** Leaves at once: whether the server stores what it has not acked is not known then. */
  abandon(): void {
    this.#lifetime.abandon();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<ClientEvent> {
    return this.#events[Symbol.asyncIterator]();
  }
}
