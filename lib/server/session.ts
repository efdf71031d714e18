/**
 * One connection's life on the server: handshake, login, then messages in both directions. A table
 * says which message may come in which state; whatever else a peer does ends its connection alone.
 *
 * @module
 */

import type { Accounts } from "../auth/accounts.ts";
import { serverRegister } from "../auth/opaque.ts";
import { BugError, describeError, FernchatError, PeerError } from "../errors.ts";
import type { LogEntry } from "../log/message_log.ts";
import { type ByteStream, SecureChannel } from "../protocol/channel.ts";
import { serverHandshake } from "../protocol/handshake.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  encodeServerMessage,
  type MessageOf,
  type ServerMessage,
} from "../protocol/messages.ts";
import { MAX_SENTENCE_CHARS } from "../protocol/limits.ts";
import type { Hub, Member, Membership } from "./hub.ts";
import {
  HANDSHAKE_DEADLINE_MS,
  LOGIN_DEADLINE_MS,
  MAX_LOGINS_PER_CONNECTION,
  MAX_PENDING_MESSAGES,
} from "./limits.ts";
import { finishLogin, type PendingLogin, startLogin } from "./login.ts";

/** What all sessions of a server share. */
export interface SessionContext {
  accounts: Accounts;
  hub: Hub;
  /** Whether the demo account may log in here at all. */
  demoAllowed: boolean;
  /** Resolves when the demo account exists, if it is to. */
  demoReady: Promise<void>;
  /** Takes one line about what happened, without secrets and texts. */
  report(line: string): void;
}

type Handler<T extends ClientMessage["type"]> = (
  session: Session,
  message: MessageOf<ClientMessage, T>,
  encoded: Uint8Array,
) => void | Promise<void>;

/** Where a connection is: what it may send depends on it. */
type State = "stranger" | "proving" | "known" | "joined";

const HANDLERS: {
  [T in ClientMessage["type"]]: { in: readonly State[]; run: Handler<T> };
} = {
  login_start: { in: ["stranger", "proving"], run: (s, m, e) => s.startLogin(m, e) },
  login_finish: { in: ["proving"], run: (s, m, e) => s.finishLogin(m, e) },
  register_start: { in: ["known"], run: (s, m) => s.startRegistration(m) },
  register_finish: { in: ["known"], run: (s, m) => s.finishRegistration(m) },
  join: { in: ["known"], run: (s, m) => s.join(m) },
  send: { in: ["joined"], run: (s, m) => s.post(m) },
};

/** See the module's description. */
export class Session implements Member {
  readonly #stream: ByteStream;
  readonly #context: SessionContext;
  /** Where it comes from, for reports. */
  readonly #peer: string;
  #state: State = "stranger";
  #channel: SecureChannel | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #logins = 0;
  #login: PendingLogin | undefined;
  #registering = false;
  #user = "";
  #room = "";
  #membership: Membership | undefined;
  /** Ids of own messages on their way into the log: an ack takes the place of their delivery. */
  readonly #pending = new Set<string>();
  #lastPost: Promise<void> = Promise.resolve();

  constructor(stream: ByteStream, peer: string, context: SessionContext) {
    this.#stream = stream;
    this.#peer = peer;
    this.#context = context;
  }

  /** Serves the connection to its end. Never throws. */
  async run(): Promise<void> {
    try {
      await this.#converse();
      await this.#lastPost; // its ack goes before the close
      await this.#channel?.close();
      this.#context.report(`${this.#label()} left`);
    } catch (error) {
      await this.#end(error).catch(() => this.abort());
    } finally {
      clearTimeout(this.#deadline);
      this.#membership?.leave();
      this.#channel?.abort(new PeerError("connection-cut", "The session is over"));
      if (this.#channel === undefined) closeQuietly(this.#stream);
    }
  }

  /**
   * Says good-bye with a reason and sends what waits. The connection ends when the client closes its
   * side: closing ours first could cost it the last words (a TCP reset drops what is on its way).
   */
  async stop(code: string, message: string): Promise<void> {
    // Between the two keys of a login nothing can be said that the client would understand.
    if (this.#channel === undefined || this.#state === "proving") return this.abort();
    this.#send({ type: "bye", code, message: message.slice(0, MAX_SENTENCE_CHARS) });
    await this.#channel.closeWrite();
  }

  /** Ends the connection without a word. */
  abort(): void {
    closeQuietly(this.#stream);
  }

  deliver(entry: LogEntry, encoded: Uint8Array): void {
    if (entry.sender === this.#user && this.#pending.delete(entry.messageId)) this.#ack(entry);
    else this.#channel?.send(encoded);
  }

  async #converse(): Promise<void> {
    this.#setDeadline(HANDSHAKE_DEADLINE_MS, () => closeQuietly(this.#stream));
    const handshake = await serverHandshake(this.#stream);
    const channel = new SecureChannel("server", this.#stream, handshake);
    this.#channel = channel;
    const late = new PeerError("deadline-missed", "The login took too long");
    this.#setDeadline(LOGIN_DEADLINE_MS, () => channel.abort(late));
    for (;;) {
      const encoded = await channel.receive();
      if (encoded === null) return;
      await this.#dispatch(decodeClientMessage(encoded), encoded);
    }
  }

  async #dispatch(message: ClientMessage, encoded: Uint8Array): Promise<void> {
    const { in: states, run } = HANDLERS[message.type];
    if (!states.includes(this.#state)) {
      throw new PeerError("message-unexpected", `Not the time for a message ${message.type}`);
    }
    await (run as Handler<ClientMessage["type"]>)(this, message, encoded);
  }

  async startLogin(
    message: MessageOf<ClientMessage, "login_start">,
    encoded: Uint8Array,
  ): Promise<void> {
    if (++this.#logins > MAX_LOGINS_PER_CONNECTION) {
      throw new PeerError("message-unexpected", "Too many logins failed on this connection");
    }
    await this.#context.demoReady;
    const { accounts, demoAllowed } = this.#context;
    this.#login = startLogin(accounts, demoAllowed, message, encoded);
    this.#state = "proving";
    this.#channel?.send(this.#login.messages[1]);
  }

  finishLogin(message: MessageOf<ClientMessage, "login_finish">, encoded: Uint8Array): void {
    const login = this.#login as PendingLogin;
    const sessionKey = finishLogin(login, message.ke3);
    if (sessionKey === undefined || login.account === undefined) {
      throw new PeerError("message-invalid", "A login was not proven");
    }
    this.#channel?.rekey(sessionKey, [...login.messages, encoded]);
    clearTimeout(this.#deadline);
    this.#login = undefined;
    this.#user = login.account;
    this.#state = "known";
    this.#send({ type: "welcome", user: this.#user });
    this.#context.report(`${this.#label()} logged in`);
  }

  /** A new password: allowed right after a login, which proved the old one. */
  startRegistration({ request }: MessageOf<ClientMessage, "register_start">): void {
    if (this.#context.accounts.find(this.#user)?.demo !== false) {
      // The demo password is public: whoever changed it would lock everyone else out.
      const message = "The demo account's password cannot be changed";
      return this.#send({ type: "error", code: "demo-account", message });
    }
    const response = serverRegister(this.#context.accounts.setup, this.#user, request);
    this.#registering = true;
    this.#send({ type: "register_response", response });
  }

  finishRegistration({ record }: MessageOf<ClientMessage, "register_finish">): void {
    if (!this.#registering) throw new PeerError("message-unexpected", "No registration was begun");
    this.#registering = false;
    this.#context.accounts.setRecord(this.#user, record);
    this.#context.report(`${this.#label()} changed the password`);
    this.#send({ type: "registered" });
  }

  async join({ room }: MessageOf<ClientMessage, "join">): Promise<void> {
    const { hub } = this.#context;
    if (!hub.has(room)) {
      return this.#send({ type: "error", code: "room-unknown", message: `No room ${room} here` });
    }
    this.#membership = await hub.join(room, this);
    this.#state = "joined";
    this.#room = room;
    const { seq: last_seq, chain: head } = this.#membership.head;
    const keys = hub.ring.keys.map(String);
    this.#send({ type: "joined", room, kind: "open", keys, last_seq, head });
    this.#membership.start();
  }

  post(message: MessageOf<ClientMessage, "send">): void {
    const { room, id, sent_at: sentAt, key_id: keyId, token } = message;
    if (room !== this.#room) {
      throw new PeerError("message-unexpected", "A message for a room that was not joined");
    }
    if (this.#pending.size >= MAX_PENDING_MESSAGES) {
      throw new PeerError("message-unexpected", "Too many messages wait for their acks");
    }
    const entry = { room, sender: this.#user, messageId: id, sentAt, keyId, token };
    this.#pending.add(id);
    // Not awaited: what the same client sends next can share the commit.
    this.#lastPost = this.#context.hub.post(entry)
      .then((entry) => this.#settle(entry), (error) => this.#refuse(id, error));
  }

  /** An entry that was in the log already was not delivered: it is acked here. */
  #settle(entry: LogEntry): void {
    if (this.#pending.delete(entry.messageId)) this.#ack(entry);
  }

  #refuse(id: string, error: unknown): void {
    this.#pending.delete(id);
    const { code, message } = explain(error);
    this.#context.report(`${this.#label()}: a message was refused: ${describeError(error)}`);
    this.#send({ type: "error", code, message, id });
  }

  #ack({ room, messageId: id, seq, chain }: LogEntry): void {
    this.#send({ type: "ack", room, id, seq, chain });
  }

  #send(message: ServerMessage): void {
    this.#channel?.send(encodeServerMessage(message));
  }

  /** Reports why a connection ends, and tells the peer where it can still understand. */
  async #end(error: unknown): Promise<void> {
    const { code, message } = explain(error);
    this.#context.report(`${this.#label()}: ${describeError(error)}`);
    if (code === "connection-cut" || code === "record-invalid" || code === "too-slow") return;
    const patience = setTimeout(() => closeQuietly(this.#stream), HANDSHAKE_DEADLINE_MS);
    await this.stop(code, message);
    await this.#channel?.close();
    clearTimeout(patience);
  }

  #setDeadline(milliseconds: number, missed: () => void): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(missed, milliseconds);
  }

  #label(): string {
    return this.#user === "" ? this.#peer : `${this.#user} (${this.#peer})`;
  }
}

/** What a peer may know of an error: nothing of our insides. */
function explain(error: unknown): { code: string; message: string } {
  if (error instanceof PeerError) return { code: error.code, message: error.message };
  if (error instanceof FernchatError && !(error instanceof BugError)) {
    return { code: "server-failed", message: "The server could not store it" };
  }
  return { code: "server-failed", message: "The server failed" };
}

function closeQuietly(stream: ByteStream): void {
  try {
    stream.close();
  } catch {
    // It was closed already, which is what is wanted.
  }
}
