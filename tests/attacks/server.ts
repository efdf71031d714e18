/**
 * What the attacks and the client's tests share: a real server with accounts, on a free port of
 * loopback and in a folder of its own; people who chat on it; and a raw peer that says anything.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Accounts } from "../../lib/auth/accounts.ts";
import { ChatConnection, connect } from "../../lib/client/connection.ts";
import {
  clientRegisterFinish,
  clientRegisterStart,
  registerLocally,
  type SecretKind,
} from "../../lib/auth/opaque.ts";
import { dial } from "../../lib/client/dial.ts";
import type { ClientEvent } from "../../lib/client/events.ts";
import type { LoggedIn } from "../../lib/client/enter.ts";
import { receive, send } from "../../lib/client/exchange.ts";
import type { Login } from "../../lib/client/kept_login.ts";
import {
  type Credentials,
  login,
  prove,
  receiveFirst,
  type Welcomed,
} from "../../lib/client/login.ts";
import type { ConnectOptions } from "../../lib/client/options.ts";
import { openDatabase } from "../../lib/database.ts";
import type { FernchatError } from "../../lib/errors.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import {
  type ClientMessage,
  decodeServerMessage,
  type MessageOf,
  type ServerMessage,
} from "../../lib/protocol/messages.ts";
import type { Request, Result } from "../../lib/protocol/requests.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import type { LogFields, Logger } from "../../lib/server/logger.ts";
import { type RunningServer, type ServerOptions, startServer } from "../../lib/server/server.ts";

/** Three people with accounts. */
export const ALICE: Credentials = { username: "alice", password: "alice's lamp-oil 71" };
export const BOB: Credentials = { username: "bob", password: "bob's brass button 35" };
export const MALLORY: Credentials = { username: "mallory", password: "mallory's mask 98" };

/** A folder that is removed at the end of its block. */
export class TempFolder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "fernchat-test-" });

  /** The path of a file in it. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** A server under test. */
export class TestServer implements AsyncDisposable {
  /** What the server reported, line by line. */
  readonly reports: string[] = [];
  readonly folder: TempFolder;
  readonly #options: Partial<ServerOptions>;
  readonly #kind: SecretKind;
  #running: RunningServer | undefined;
  #reported = Promise.withResolvers<void>();

  private constructor(folder: TempFolder, options: Partial<ServerOptions>, kind: SecretKind) {
    this.folder = folder;
    this.#options = options;
    this.#kind = kind;
  }

  /**
   * Starts a server with these accounts; with none, only the demo account can log in.
   *
   * @param kind `chosen` for accounts as they are in life; the others log in with {@linkcode connectAs}
   * and {@linkcode logInAs} alone.
   */
  static async start(
    people: readonly Credentials[],
    options: Partial<ServerOptions> = {},
    kind: SecretKind = "random",
  ): Promise<TestServer> {
    const server = new TestServer(new TempFolder(), options, kind);
    try {
      await prepareDatabase(server.db, people, kind);
      await server.#run();
      return server;
    } catch (error) {
      server.folder[Symbol.dispose]();
      throw error;
    }
  }

  get db(): string {
    return this.folder.file("chat_logs.db");
  }

  get running(): RunningServer {
    return this.#running as RunningServer;
  }

  get port(): number {
    return this.running.address.port;
  }

  /** The key of this session, as it is displayed. */
  get key(): string {
    return this.running.ring.primary.toString();
  }

  /** Logs in and joins the lobby for one connection, through `port` if there is a proxy. */
  connect(who: Credentials, port: number = this.port): Promise<ChatConnection> {
    const as = this.#kind === "chosen" ? connect : connectAs;
    return as({ ...who, port, reconnectForMs: 0 });
  }

  /** A room's log, as another program sees it in the file. */
  entries(room: string = LOBBY): LogEntry[] {
    const database = new DatabaseSync(this.db, { readOnly: true });
    try {
      return database.prepare(
        `SELECT room, seq, sender, sent_at AS sentAt, key_id AS keyId, message_id AS messageId,
           token, chain FROM messages WHERE room = ? ORDER BY seq`,
      ).all(room) as unknown as LogEntry[];
    } finally {
      database.close();
    }
  }

  /** The texts in the log, in order. */
  texts(): string[] {
    return this.entries().map(({ token }) =>
      JSON.parse(this.running.ring.decryptText(token)).text as string
    );
  }

  /** Resolves when a line that matches has been reported, at once if it was `since` that line. */
  async reported(pattern: RegExp, since = 0): Promise<string> {
    for (;;) {
      const line = this.reports.slice(since).find((report) => pattern.test(report));
      if (line !== undefined) return line;
      await this.#reported.promise;
    }
  }

  /** Stops the server; the folder stays until the end of the block. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.stop();
  }

  /** Stops the server and starts another one with the same database, on another port. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.folder[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    this.#running = await startServer({
      host: "127.0.0.1",
      port: 0,
      db: this.db,
      demo: false,
      logger: this.#logger(),
      presence: { quietMs: Infinity }, // only tests of presence expect it among other messages
      ...this.#options,
      limits: { linesPerMinute: Infinity, ...this.#options.limits },
    });
  }

  #logger(): Logger {
    const report: Logger["info"] = (event, fields = {}) => this.#report(describe(event, fields));
    return { error: report, warn: report, info: report, debug: report };
  }

  #report(line: string): void {
    this.reports.push(line);
    this.#reported.resolve();
    this.#reported = Promise.withResolvers();
  }
}

/** Whom a log line is about, what happened, and why. */
function describe(event: string, { user, peer, reason }: LogFields): string {
  const who = user === undefined ? peer : `${user} (${peer})`;
  return `${who} ${event.replaceAll("-", " ")}${reason === undefined ? "" : `: ${reason}`}`;
}

/** Databases with accounts, by their people: a copy is faster than new ones. */
const prepared = new Map<string, Uint8Array>();

async function prepareDatabase(
  db: string,
  people: readonly Credentials[],
  kind: SecretKind,
): Promise<void> {
  const key = JSON.stringify([kind, people]);
  const bytes = prepared.get(key);
  noteKind(people, kind);
  if (bytes !== undefined) return Deno.writeFileSync(db, bytes, { mode: 0o600 });
  await addAccounts(db, people, kind);
  prepared.set(key, Deno.readFileSync(db));
}

/** Those whose passwords were registered without key stretching, as the codes of invites are. */
const quick = new Set<string>();

const keyOf = ({ username, password }: Credentials): string =>
  JSON.stringify([username.toLowerCase(), password]);

/** Notes how these people log in from now on, in the database that is made of them last. */
export function noteKind(people: readonly Credentials[], kind: SecretKind): void {
  for (const who of people) {
    if (kind === "random") quick.add(keyOf(who));
    else quick.delete(keyOf(who));
  }
}

/** Adds accounts to a database, as the operator's command does; of another kind, quick ones. */
export async function addAccounts(
  db: string,
  people: readonly Credentials[],
  kind: SecretKind = "chosen",
): Promise<void> {
  const database = openDatabase(db);
  try {
    const accounts = await Accounts.open(database, db);
    for (const { username, password } of people) {
      if (kind === "chosen") accounts.add(username, password);
      else {
        accounts.create(
          username,
          registerLocally(accounts.setup, username, password, kind),
          "member",
        );
      }
    }
    noteKind(people, kind);
  } finally {
    database.close();
  }
}

/** Makes an account on a channel where an invite was proven: as `createAccount`, but a quick one. */
export async function createQuickly(channel: SecureChannel, who: Credentials): Promise<void> {
  const { pending, request } = clientRegisterStart(who.username, who.password, "random");
  send(channel, { type: "create_start", name: who.username, request });
  const [{ response }] = await receive(channel, "register_response");
  const { record } = clientRegisterFinish(pending, response);
  send(channel, { type: "create_finish", record });
  await receive(channel, "registered");
  noteKind([who], "random");
}

/**
 * As {@linkcode connect}. Whoever is quick does not wait for key stretching, which is the client's own
 * affair (RFC 9807 section 6.3.2.3): the server's side of the login is the same to the byte.
 */
export async function connectAs(options: ConnectOptions): Promise<ChatConnection> {
  const { hostname = "127.0.0.1", port = 0, username, password, ...join } = options;
  const who = { username, password };
  if (!quick.has(keyOf(who))) return await connect({ sealed: false, ...options });
  const login: Login = {
    async logIn(): Promise<LoggedIn> {
      const channel = await dial({ hostname, port });
      try {
        return { channel, ...await logInAs(channel, who, options.timing?.answerMs) };
      } catch (error) {
        await channel.close();
        throw error;
      }
    },
    changePassword: () => Promise.reject(new Error("not for quick accounts")),
  };
  return await ChatConnection.join(await login.logIn(), {
    server: { hostname, port },
    login,
    sealed: false,
    ...join,
    timing: { settleMs: 0, ...join.timing },
  });
}

/** As {@linkcode login}; see {@linkcode connectAs}. */
export async function logInAs(
  channel: SecureChannel,
  who: Credentials,
  answerMs?: number,
): Promise<Welcomed> {
  if (!quick.has(keyOf(who))) return await login(channel, who, answerMs);
  const { exportKey } = await prove(channel, who, "random", answerMs);
  const { user } = await receiveFirst(channel, "welcome", answerMs);
  return { user, exportKey };
}

/** The next event of a type; those before it are dropped. Fails if the connection ends first. */
export async function nextEvent<T extends ClientEvent["type"]>(
  chat: ChatConnection,
  type: T,
): Promise<Extract<ClientEvent, { type: T }>> {
  const dropped: ClientEvent[] = [];
  for await (const event of chat) {
    if (event.type === type) return event as Extract<ClientEvent, { type: T }>;
    dropped.push(event);
  }
  assert.fail(`no event ${type}, only ${JSON.stringify(dropped)}`);
}

/** All events to the end of a connection. */
export async function allEvents(chat: ChatConnection): Promise<ClientEvent[]> {
  return await Array.fromAsync(chat);
}

/** One says a text, the other hears exactly that, from that one: nothing came between. */
export async function assertHeard(
  from: ChatConnection,
  to: ChatConnection,
  text: string,
): Promise<void> {
  const [, heard] = await Promise.all([from.send(text), nextEvent(to, "message")]);
  assert.deepEqual([heard.sender, heard.text], [from.user, text]);
}

/** Waits for a failure and checks its class and code. */
export async function assertFails<E extends FernchatError>(
  promise: Promise<unknown>,
  kind: abstract new (...args: never[]) => E,
  code: string,
): Promise<E> {
  const error = await promise.then((value) => assert.fail(`no failure but ${value}`), (e) => e);
  assert.ok(error instanceof kind, `not a ${kind.name}: ${error?.stack ?? error}`);
  assert.equal(error.code, code);
  return error;
}

/** The same for a function that throws. */
export function assertThrows<E extends FernchatError>(
  act: () => unknown,
  kind: abstract new (...args: never[]) => E,
  code: string,
): E {
  let caught: unknown;
  assert.throws(act, (error) => {
    caught = error;
    return true;
  });
  assert.ok(caught instanceof kind, `not a ${kind.name}: ${caught}`);
  assert.equal(caught.code, code);
  return caught;
}

/** A peer that speaks the protocol by hand: what it sends is up to the test. */
export class RawMember implements Disposable {
  readonly channel: SecureChannel;
  readonly joined: MessageOf<ServerMessage, "joined">;
  #asked = 0;

  private constructor(channel: SecureChannel, joined: MessageOf<ServerMessage, "joined">) {
    this.channel = channel;
    this.joined = joined;
  }

  /** Logs in and joins the lobby; its deliveries begin after the entry `after`, if given. */
  static async join(port: number, who: Credentials, after?: number): Promise<RawMember> {
    const channel = await dial({ hostname: "127.0.0.1", port });
    await logInAs(channel, who);
    send(channel, { type: "join", room: LOBBY, ...(after === undefined ? {} : { after }) });
    const [joined] = await receive(channel, "joined");
    return new RawMember(channel, joined);
  }

  /** Sends a message. */
  say(message: ClientMessage): void {
    send(this.channel, message);
  }

  /** Sends a request; the next message has to be its answer, or its error's code. */
  async ask(request: Request): Promise<Result | string> {
    this.#asked += 1;
    this.say({ type: "request", ref: this.#asked, request });
    const answer = await this.hear();
    assert.ok(answer.type === "reply" || answer.type === "error", answer.type);
    assert.equal(answer.ref, this.#asked);
    return answer.type === "reply" ? answer.result : answer.code;
  }

  /** The next message from the server, of any type; fails at the end of the connection. */
  async hear(): Promise<ServerMessage> {
    const encoded = await this.channel.receive();
    assert.ok(encoded !== null, "the connection ended");
    return decodeServerMessage(encoded);
  }

  /** The next message, which has to be of that type. */
  async hears<T extends ServerMessage["type"]>(type: T): Promise<MessageOf<ServerMessage, T>> {
    const message = await this.hear();
    assert.equal(message.type, type);
    return message as MessageOf<ServerMessage, T>;
  }

  /** Cuts the connection. */
  [Symbol.dispose](): void {
    this.channel.abort(new Error("the test is over"));
  }
}
