/**
 * A malicious server for the tests of sealed rooms. The client's login ends here, so this reads and
 * writes all that the client and its server say to each other, by the real protocol; behind it a
 * real server keeps what it is given, and its database is open for edits. So each lie is the test's,
 * and all the rest is as an honest server does it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { ChatConnection } from "../../lib/client/connection.ts";
import { dial } from "../../lib/client/dial.ts";
import type { LoggedIn } from "../../lib/client/enter.ts";
import type { JoinOptions } from "../../lib/client/options.ts";
import { SecureChannel } from "../../lib/protocol/channel.ts";
import { serverHandshake } from "../../lib/protocol/handshake.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  encodeServerMessage,
  type ServerMessage,
} from "../../lib/protocol/messages.ts";
import { encodeParts } from "../../lib/protocol/parts.ts";
import { Ear } from "./sealed_ear.ts";
import { logInAs, TestServer } from "./server.ts";

/** What travels in the place of a message to a client: nothing drops it. */
export type ToClient = (message: ServerMessage, wire: Wire) => readonly ServerMessage[];
/** The same of a message to the real server. */
export type ToServer = (message: ClientMessage, wire: Wire) => readonly ClientMessage[];

/** Everyone's password: the test's logins are without a word of it. */
const PASSWORD = "a password";

/** One client's connection, with the liar in it. */
export class Wire {
  readonly user: string;
  readonly #client: SecureChannel;
  readonly #server: SecureChannel;

  constructor(user: string, client: SecureChannel, server: SecureChannel) {
    this.user = user;
    this.#client = client;
    this.#server = server;
  }

  /** Says something to the client. */
  say(...messages: readonly ServerMessage[]): void {
    for (const message of messages) this.#client.send(encodeServerMessage(message));
  }

  /** Says something to the real server in the client's name. */
  tell(...messages: readonly ClientMessage[]): void {
    for (const message of messages) this.#server.send(encodeClientMessage(message));
  }

  /** Cuts the connection: the client makes another one. */
  cut(): void {
    for (const channel of [this.#client, this.#server]) channel.abort(new Error("cut"));
  }

  /** Passes messages on, as far as the liar wants that, to the end of the connection. */
  async run(liar: Liar): Promise<void> {
    const down = pump(this.#server, (bytes) => {
      const message = decodeServerMessage(bytes);
      this.say(...liar.toClient?.(message, this) ?? [message]);
    });
    const up = pump(this.#client, (bytes) => {
      const message = decodeClientMessage(bytes);
      this.tell(...liar.toServer?.(message, this) ?? [message]);
    });
    await Promise.all([
      down.then(() => this.#client.closeWrite()),
      up.then(() => this.#server.closeWrite()),
    ]).catch(() => {}); // cut
    this.cut();
  }
}

/** See the module's description. */
export class Liar implements AsyncDisposable {
  /** What it makes of what the real server says; all as it is by default. */
  toClient: ToClient | undefined;
  /** What it makes of what clients say. */
  toServer: ToServer | undefined;
  readonly server: TestServer;
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #wires = new Map<string, Wire>();
  readonly #clients: ChatConnection[] = [];
  readonly #running: Promise<void>[] = [];

  private constructor(server: TestServer) {
    this.server = server;
  }

  /** With these accounts. */
  static async start(...users: readonly string[]): Promise<Liar> {
    const people = users.map((username) => ({ username, password: PASSWORD }));
    return new Liar(await TestServer.start(people));
  }

  /** The connection of somebody's that was made last. */
  wire(user: string): Wire {
    return this.#wires.get(user) as Wire;
  }

  /** A real client of somebody's in the lobby, whose sealed rooms are open. */
  async enter(user: string, options: JoinOptions = {}): Promise<Ear> {
    const ear = await this.connect(user, options);
    await ear.chat.sealed.identityOf("nobody-at-all").catch(() => {}); // needs the vault, too
    return ear;
  }

  /** The same; nothing is waited for. */
  async connect(user: string, options: JoinOptions = {}): Promise<Ear> {
    const server = this.#listenFor(user);
    const logIn = async (): Promise<LoggedIn> => {
      const channel = await dial(server);
      channel.rekey(new Uint8Array(64), []);
      return { channel, user, exportKey: exportKeyOf(user) };
    };
    const chat = await ChatConnection.join(await logIn(), {
      ...{ server, login: { logIn, changePassword: () => Promise.reject(new Error("not here")) } },
      ...{ sealed: true, reconnectForMs: Infinity },
      ...options,
      timing: { settleMs: 0, leastDelayMs: 1, mostDelayMs: 2, ...options.timing },
    });
    this.#clients.push(chat);
    return new Ear(chat);
  }

  /** Changes the real server's database; what is asked for, if it is a question. */
  sql<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    const database = new DatabaseSync(this.server.db, { timeout: 5_000 });
    try {
      return database.prepare(sql).all(...values) as Row[];
    } finally {
      database.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.abandon();
    for (const listener of this.#listeners) listener.close();
    for (const wire of this.#wires.values()) wire.cut();
    await Promise.all(this.#running);
    await this.server[Symbol.asyncDispose]();
  }

  #listenFor(user: string): { hostname: string; port: number } {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#listeners.push(listener);
    this.#running.push(this.#accept(listener, user));
    return { hostname: "127.0.0.1", port: listener.addr.port };
  }

  async #accept(listener: Deno.TcpListener, user: string): Promise<void> {
    const running: Promise<void>[] = [];
    for (;;) {
      const connection = await listener.accept().catch(() => undefined);
      if (connection === undefined) break;
      running.push(this.#serve(connection, user).catch(() => {}));
    }
    await Promise.all(running);
  }

  async #serve(connection: Deno.TcpConn, user: string): Promise<void> {
    const options = { maxQueuedBytes: Infinity };
    const handshake = await serverHandshake(connection);
    const client = new SecureChannel("server", connection, handshake, options);
    client.rekey(new Uint8Array(64), []);
    const server = await dial({ hostname: "127.0.0.1", port: this.server.port });
    await logInAs(server, { username: user, password: PASSWORD });
    const wire = new Wire(user, client, server);
    this.#wires.set(user, wire);
    await wire.run(this);
  }
}

/** What opens somebody's vault: the liar does not know it. */
export function exportKeyOf(user: string): Uint8Array {
  return new Uint8Array(createHash("sha512").update(`${user}'s export key`).digest());
}

async function pump(from: SecureChannel, pass: (bytes: Uint8Array) => void): Promise<void> {
  for (;;) {
    const bytes = await from.receive();
    if (bytes === null) return;
    pass(bytes);
  }
}

/** An answer's bytes, as they travel before it. */
export function partsOf(ref: number, bytes: Uint8Array): ServerMessage[] {
  return Array.from(encodeParts(bytes), (data) => ({ type: "part", ref, data }));
}

/** The bytes of a part. */
export function bytesOf({ data }: { data: string }): Uint8Array {
  return Buffer.from(data, "base64url");
}
