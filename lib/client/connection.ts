/**
 * The SDK: a connection to a Fernchat server, for the client and for bots.
 *
 * @example
 * ```ts ignore
 * import { connect } from "./lib/client/connection.ts";
 *
 * const chat = await connect({ username: "echo", password: "…" });
 * for await (const event of chat) {
 *   if (event.type === "message") await chat.send(event.text);
 * }
 * ```
 *
 * @module
 */

import {
  CallerError,
  describeError,
  EnvironmentError,
  FernchatError,
  PeerError,
} from "../errors.ts";
import type { LogEntry } from "../log/message_log.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import {
  decodeServerMessage,
  isMessageId,
  type MessageOf,
  type ServerMessage,
} from "../protocol/messages.ts";
import { checkText, LOBBY, sealText } from "../rooms/open_room.ts";
import { type Address, DEFAULT_HOST, DEFAULT_PORT, formatAddress } from "./address.ts";
import { dial, MAX_UNACKED } from "./dial.ts";
import {
  type AckEvent,
  type ClientEvent,
  type ClosedEvent,
  type ErrorEvent,
  EventQueue,
} from "./events.ts";
import { type Credentials, login, receive, send } from "./login.ts";
import { Outbox, type SentEntry } from "./outbox.ts";
import { RoomState } from "./room_state.ts";

/** Events that may wait for the owner before the connection stops reading. */
const MAX_WAITING_EVENTS = 1_024;

/** Milliseconds that a closing client waits for the server's own close. */
const CLOSE_DEADLINE_MS = 2_000;

/** Whom to talk to, as whom, and where. */
export interface ConnectOptions extends Credentials, Partial<Address> {
  /** The room to join; the lobby by default. */
  room?: string;
}

/**
 * Connects, logs in and joins a room.
 *
 * @throws {ConnectError} if there is no server, or the connection ends.
 * @throws {LoginError} if the login fails.
 * @throws {PeerError} if the other side breaks the protocol.
 */
export async function connect(options: ConnectOptions): Promise<ChatConnection> {
  const { hostname = DEFAULT_HOST, port = DEFAULT_PORT, room = LOBBY } = options;
  const channel = await dial({ hostname, port });
  try {
    const user = await login(channel, options);
    return await ChatConnection.join(channel, { hostname, port }, user, room);
  } catch (error) {
    await channel.close();
    throw error;
  }
}

/**
 * A connection that is logged in and in a room. Iterate over it to get its events; the last one is
 * `closed`. Who does not iterate holds it up after some thousand events.
 */
export class ChatConnection implements AsyncIterable<ClientEvent>, AsyncDisposable {
  /** The account's name. */
  readonly user: string;
  readonly #channel: SecureChannel;
  readonly #state: RoomState;
  readonly #events = new EventQueue(MAX_WAITING_EVENTS);
  readonly #outbox = new Outbox(MAX_UNACKED);
  readonly #ended: Promise<void>;
  #closing = false;
  #goodbye: MessageOf<ServerMessage, "bye"> | undefined;

  private constructor(channel: SecureChannel, server: string, user: string, state: RoomState) {
    this.#channel = channel;
    this.user = user;
    this.#state = state;
    const { room, kind } = state;
    this.#events.push({ type: "ready", user, room, server, kind });
    this.#ended = this.#follow();
  }

  /** Joins a room on a channel that is logged in as `user`. */
  static async join(
    channel: SecureChannel,
    server: Address,
    user: string,
    room: string,
  ): Promise<ChatConnection> {
    send(channel, { type: "join", room });
    const [joined] = await receive(channel, "joined");
    return new ChatConnection(channel, formatAddress(server), user, new RoomState(joined));
  }

  /** The room that messages go to: its name, its kind and how far its log was followed. */
  get room(): Pick<RoomState, "room" | "kind" | "head"> {
    return this.#state;
  }

  /**
   * Sends a text; resolves when the server has stored it. With 256 on their way already, waits for
   * one of them first.
   *
   * @param id names the message; unique for this user and room. Made if not given.
   * @throws {CallerError} `text-too-long`, `text-invalid`, `id-invalid`: nothing was sent.
   * @throws {PeerError} if the server found it not to be valid, or the connection ended before the
   * ack.
   * @throws {EnvironmentError} if the server could not store it.
   */
  async send(text: string, id: string = crypto.randomUUID()): Promise<AckEvent> {
    checkText(text);
    if (!isMessageId(id)) throw badId(id);
    return await this.#outbox.send(id, () => this.#dispatch(text, id));
  }

  /** Resolves when another message can be sent without waiting. */
  writable(): Promise<void> {
    return this.#outbox.writable();
  }

  /** Resolves when no own message is on its way, or waits for its turn, any more. */
  settled(): Promise<void> {
    return this.#outbox.settled();
  }

  /** Waits for the acks of what was sent, says good-bye and closes. Safe to call again. */
  async close(): Promise<void> {
    this.#events.unbound(); // the acks come behind events that nobody may read any more
    await this.settled();
    if (!this.#closing) {
      this.#closing = true;
      this.#outbox.close();
      const late = new PeerError("deadline-missed", "The server did not close in time");
      const deadline = setTimeout(() => this.#channel.abort(late), CLOSE_DEADLINE_MS);
      await this.#channel.closeWrite();
      await this.#ended;
      clearTimeout(deadline);
    }
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [Symbol.asyncIterator](): AsyncIterator<ClientEvent> {
    return this.#events[Symbol.asyncIterator]();
  }

  #dispatch(text: string, id: string): SentEntry {
    const { room, ring } = this.#state;
    const sent_at = new Date().toISOString();
    const envelope = { room, sender: this.user, id, sent_at };
    const { keyId, token } = sealText(ring.primary, envelope, text);
    send(this.#channel, { type: "send", room, id, sent_at, key_id: keyId, token });
    return { room, sender: this.user, messageId: id, sentAt: sent_at, keyId, token };
  }

  /** Reads to the end of the connection, then settles whatever still waits. */
  async #follow(): Promise<void> {
    const closed = await this.#readAll();
    this.#closing = true;
    const reason = new PeerError("connection-cut", closed.message);
    this.#channel.abort(reason);
    this.#outbox.abandon(reason);
    this.#events.unbound();
    await this.#events.push(closed);
  }

  async #readAll(): Promise<ClosedEvent> {
    try {
      for (;;) {
        const encoded = await this.#channel.receive();
        if (encoded === null) break;
        await this.#handle(decodeServerMessage(encoded));
      }
    } catch (error) {
      if (!this.#closing) return closedBy(error);
    }
    if (this.#closing) return { type: "closed", reason: "left", message: "You left" };
    const { code, message } = this.#goodbye ??
      { code: "server-closed", message: "The server closed the connection" };
    return { type: "closed", reason: code, message };
  }

  async #handle(message: ServerMessage): Promise<void> {
    switch (message.type) {
      case "message":
        return await this.#deliver(message);
      case "ack":
        return await this.#acknowledge(message);
      case "error":
        return await this.#refuse(message);
      case "bye":
        this.#goodbye = message;
        return;
      default:
        throw new PeerError("message-unexpected", `Not the time for a message ${message.type}`);
    }
  }

  async #deliver(message: MessageOf<ServerMessage, "message">): Promise<void> {
    const { room, seq, sender, id, sent_at, key_id: keyId, token, chain } = message;
    const entry = { room, seq, sender, messageId: id, sentAt: sent_at, keyId, token, chain };
    await this.#checkContinues(entry);
    try {
      const text = this.#state.open(entry);
      const { kind } = this.#state;
      await this.#events.push(
        { type: "message", room, seq, id, sender, sent_at, text, kind, history: false },
      );
    } catch (error) {
      await this.#events.push(errorEvent(error));
    }
  }

  async #acknowledge(message: MessageOf<ServerMessage, "ack">): Promise<void> {
    const { room, id, seq, chain } = message;
    const sent = this.#outbox.find(id);
    if (sent === undefined) {
      throw new PeerError("message-unexpected", "The server acked what was not sent");
    }
    // An own message that was stored before has its first place, which was followed then.
    const isRepeat = seq <= this.#state.head.seq;
    if (!isRepeat) await this.#checkContinues({ ...sent, seq, chain });
    const ack: AckEvent = { type: "ack", room, id, seq };
    this.#outbox.acknowledge(ack);
    await this.#events.push(ack);
  }

  async #refuse(message: MessageOf<ServerMessage, "error">): Promise<void> {
    const { id, code, message: text } = message;
    if (id !== undefined) {
      const said = `The server refused a message: ${text}`;
      const error = code === "token-invalid"
        ? new PeerError(code, said)
        : new EnvironmentError(code, said);
      this.#outbox.refuse(id, error);
    }
    const about = id === undefined ? {} : { id };
    await this.#events.push({ type: "error", code, message: text, ...about });
  }

  async #checkContinues(entry: LogEntry): Promise<void> {
    if (entry.room !== this.#state.room) {
      throw new PeerError("room-inconsistent", "A delivery is for a room that was not joined");
    }
    const fault = this.#state.follow(entry);
    if (fault !== undefined) await this.#events.push(errorEvent(fault));
  }
}

function badId(id: string): CallerError {
  return new CallerError("id-invalid", `Cannot name a message ${JSON.stringify(id.slice(0, 80))}`, {
    hint: "use 1 to 64 letters, digits, dots, colons, dashes or underscores",
  });
}

function errorEvent(error: unknown): ErrorEvent {
  const code = error instanceof FernchatError ? error.code : "failed";
  return { type: "error", code, message: describeError(error) };
}

function closedBy(error: unknown): ClosedEvent {
  const code = error instanceof FernchatError ? error.code : "failed";
  return { type: "closed", reason: code, message: describeError(error) };
}
