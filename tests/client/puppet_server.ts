/**
 * A server whose every answer is the test's, on real channels: it tells the truth about its rooms
 * until the test makes it lie. Both sides have the login's key already.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ChatConnection } from "../../lib/client/connection.ts";
import { dial } from "../../lib/client/dial.ts";
import type { LoggedIn } from "../../lib/client/enter.ts";
import type { ClientEvent } from "../../lib/client/events.ts";
import type { JoinOptions } from "../../lib/client/options.ts";
import type { FernetKey } from "../../lib/fernet.ts";
import { chainStart } from "../../lib/log/chain.ts";
import type { Head, LogEntry } from "../../lib/log/message_log.ts";
import { SecureChannel } from "../../lib/protocol/channel.ts";
import { serverHandshake } from "../../lib/protocol/handshake.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  encodeServerMessage,
  type MessageOf,
  type ServerMessage,
} from "../../lib/protocol/messages.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { allEvents } from "../attacks/server.ts";
import { PuppetRoom, type Send, toWire } from "./puppet_room.ts";

/** Nobody waits long in a test. */
export const IMPATIENT = { leastDelayMs: 1, mostDelayMs: 2 };

/** See the module's description. */
export class PuppetServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.TcpConn[] = [];
  readonly #rooms = new Map<string, PuppetRoom>();
  /** The account's name in the answer to a login. */
  user = "alice";
  #loginError: Error | undefined;
  channel!: SecureChannel;
  /** The client, if it is in this process. */
  client!: ChatConnection;

  /** A server with a client in its lobby, after something has happened there. */
  static async start(
    options: JoinOptions = {},
    prepare: (server: PuppetServer) => void = () => {},
  ): Promise<PuppetServer> {
    const server = new PuppetServer();
    prepare(server);
    const { hostname, port } = server.#listener.addr;
    const timing = { ...IMPATIENT, ...options.timing };
    const logIn = async (): Promise<LoggedIn> => {
      if (server.#loginError !== undefined) throw server.#loginError;
      const channel = await dial({ hostname, port });
      channel.rekey(new Uint8Array(64), []);
      return { channel, user: server.user, exportKey: new Uint8Array(64) };
    };
    const login = { logIn, changePassword: () => Promise.reject(new Error("not here")) };
    const joining = logIn().then((loggedIn) =>
      ChatConnection.join(loggedIn, {
        server: { hostname, port },
        login,
        sealed: false,
        ...options,
        timing,
      })
    );
    await server.accept();
    await server.receive("join");
    server.join();
    server.client = await joining;
    return server;
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** A room by its name, made when it is named first. */
  room(name: string): PuppetRoom {
    const room = this.#rooms.get(name) ?? new PuppetRoom(name);
    this.#rooms.set(name, room);
    return room;
  }

  /** The lobby's ring, the newest key first. */
  get keys(): FernetKey[] {
    return this.room(LOBBY).keys;
  }

  set keys(keys: FernetKey[]) {
    this.room(LOBBY).keys = keys;
  }

  /** The lobby's log. */
  get log(): LogEntry[] {
    return this.room(LOBBY).log;
  }

  set log(log: LogEntry[]) {
    this.room(LOBBY).log = log;
  }

  /** The lobby's newest key. */
  get key(): FernetKey {
    return this.room(LOBBY).key;
  }

  /** The end of the lobby's log. */
  get head(): Head {
    return this.room(LOBBY).head;
  }

  /** Takes the client's next connection, up to the end of the login. */
  async accept(): Promise<void> {
    const connection = await this.#listener.accept();
    this.#connections.push(connection);
    this.channel = new SecureChannel("server", connection, await serverHandshake(connection), {
      maxQueuedBytes: 64 * 1024 * 1024,
    });
    await this.logIn();
  }

  /** Both sides have the login's key already. */
  protected logIn(): Promise<void> {
    this.channel.rekey(new Uint8Array(64), []);
    return Promise.resolve();
  }

  /** Takes the client's next connection, answers its `join` and gives that back. */
  async acceptAgain(head: Head = this.head): Promise<MessageOf<ClientMessage, "join">> {
    await this.accept();
    const join = await this.receive("join");
    this.join(head);
    return join;
  }

  /** Answers a `join`. */
  join(head: Head = this.head, room = LOBBY): void {
    this.say(this.room(room).joined(head));
  }

  /** Takes the client's next connection and its `join` of so many rooms, and answers each. */
  async acceptRooms(count: number): Promise<MessageOf<ClientMessage, "join">[]> {
    await this.accept();
    const joins = [];
    while (joins.length < count) joins.push(await this.receive("join"));
    for (const { room } of joins) this.join(this.room(room).head, room);
    return joins;
  }

  /** Lets the client into another room. */
  async letIn(name: string, options: Pick<JoinOptions, "history"> = {}): Promise<PuppetRoom> {
    const joining = this.client.join(name, options);
    const { room } = await this.receive("join");
    this.join(this.room(room).head, room);
    await joining;
    return this.room(name);
  }

  /** The next message but pings and what is about sealed rooms, which has to be of a type. */
  async receive<T extends ClientMessage["type"]>(type: T): Promise<MessageOf<ClientMessage, T>> {
    for (;;) {
      const message = decodeClientMessage(await this.channel.receive() as Uint8Array);
      if (message.type === "ping" && type !== "ping" || isAboutSealedRooms(message)) continue;
      assert.equal(message.type, type);
      return message as MessageOf<ClientMessage, T>;
    }
  }

  /** The next message but pings, which has to be of one of some types. */
  async receiveAny<T extends ClientMessage["type"]>(
    types: readonly T[],
  ): Promise<MessageOf<ClientMessage, T>> {
    for (;;) {
      const message = decodeClientMessage(await this.channel.receive() as Uint8Array);
      if (message.type === "ping" || isAboutSealedRooms(message)) continue;
      assert.ok((types as readonly string[]).includes(message.type), message.type);
      return message as MessageOf<ClientMessage, T>;
    }
  }

  async receiveSends(count: number): Promise<Send[]> {
    const sends: Send[] = [];
    while (sends.length < count) sends.push(await this.receive("send"));
    return sends;
  }

  say(message: ServerMessage): void {
    this.channel.send(encodeServerMessage(message));
  }

  /** Puts a message into the lobby's log. */
  store(...message: Parameters<PuppetRoom["store"]>): LogEntry {
    return this.room(LOBBY).store(...message);
  }

  /** Puts an entry into its room's log. */
  append(entry: Omit<LogEntry, "seq" | "chain">): LogEntry {
    return this.room(entry.room).append(entry);
  }

  /** Puts what the client sent into its room's log. */
  storeSent({ room, id: messageId, sent_at: sentAt, key_id: keyId, token }: Send): LogEntry {
    return this.append({ room, sender: "alice", messageId, sentAt, keyId, token });
  }

  /** Delivers entries. */
  deliver(...entries: readonly LogEntry[]): void {
    for (const entry of entries) this.say({ type: "message", ...toWire(entry) });
  }

  /** Says something as bob. */
  deliverText(text: string): void {
    this.deliver(this.store(text));
  }

  /** Stores and acks what the client sent. */
  ack(send: Send): void {
    this.ackEntry(this.storeSent(send));
  }

  ackEntry({ room, messageId: id, seq, chain }: LogEntry): void {
    this.say({ type: "ack", room, id, seq, chain });
  }

  /** Answers the client's next `history`; gives that back. */
  async answerHistory(
    alter: (page: LogEntry[], previous: string) => [LogEntry[], string] = (...same) => same,
  ): Promise<MessageOf<ClientMessage, "history">> {
    const asked = await this.receive("history");
    this.sayHistory(asked, alter);
    return asked;
  }

  /** Answers a `history`. */
  sayHistory(
    { room, before, limit }: MessageOf<ClientMessage, "history">,
    alter: (page: LogEntry[], previous: string) => [LogEntry[], string] = (...same) => same,
  ): void {
    const { log } = this.room(room);
    const end = Math.min(before, log.length + 1);
    const first = Math.max(1, end - limit);
    const previous = log[first - 2]?.chain ?? chainStart(room);
    const [page, said] = alter(log.slice(first - 1, end - 1), previous);
    for (const entry of page) this.sayPast(entry);
    this.sayHistoryEnd(end, said, room);
  }

  sayPast(entry: LogEntry): void {
    this.say({ type: "past", ...toWire(entry) });
  }

  sayHistoryEnd(before: number, previous = chainStart(LOBBY), room = LOBBY): void {
    this.say({ type: "history_end", room, before, previous });
  }

  /** Lets no login through from now on. */
  failLogins(error: Error): void {
    this.#loginError = error;
  }

  /** Listens no more. */
  refuseConnections(): void {
    this.#listener.close();
  }

  /** Cuts the connection. */
  cut(): void {
    this.channel.abort(new Error("pulled the plug"));
  }

  /** What the client makes of everything up to here, without `ready` and the marker's own event. */
  async events(): Promise<ClientEvent[]> {
    this.deliverText("marker");
    const events: ClientEvent[] = [];
    for await (const event of this.client) {
      if (event.type === "message" && event.text === "marker") break;
      if (event.type !== "ready") events.push(event);
    }
    return events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [this.#listener, ...this.#connections]) closeQuietly(each);
    if (this.client === undefined) return;
    this.client.abandon();
    await allEvents(this.client);
  }
}

/** Events in short: `message TEXT`, `past TEXT`, `found TEXT`, `ack ID`, `error CODE`, and so on. */
export function brief(events: readonly ClientEvent[]): string[] {
  return events.map((event) => {
    switch (event.type) {
      case "message":
        return `${event.history ? "past" : "message"} ${event.text}`;
      case "found":
        return `found ${event.text}`;
      case "search":
        return `search ${event.end ?? event.state}`;
      case "ack":
        return `ack ${event.id}`;
      case "error":
      case "notice":
        return `${event.type} ${event.code}`;
      case "reconnecting":
      case "closed":
        return `${event.type} ${event.reason}`;
      default:
        return event.type;
    }
  });
}

function closeQuietly(resource: { close(): void }): void {
  try {
    resource.close();
  } catch {
    // It was closed already, which is what is wanted.
  }
}

/** A client program asks for its vault as soon as it is there: this server never answers that. */
function isAboutSealedRooms(message: ClientMessage): boolean {
  return message.type === "request" && message.request.do === "get";
}
