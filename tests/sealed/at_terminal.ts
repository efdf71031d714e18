/**
 * People at terminals without windows, on a real server: what they type and what they are shown.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import type { ChatConnection } from "../../lib/client/connection.ts";
import { Conversation } from "../../lib/client/conversation.ts";
import type { ConnectOptions } from "../../lib/client/options.ts";
import { Terminal } from "../../lib/client/terminal/terminal.ts";
import { connectAs, TestServer } from "../attacks/server.ts";
import { FakeIo } from "../terminal/fake_io.ts";

/** Milliseconds until a test says what came instead. */
const PATIENCE_MS = 30_000;

/** Their names; all have accounts. */
export const NAMES = ["alice", "bob", "carol"] as const;

type Name = (typeof NAMES)[number];

const credentialsOf = (username: string): { username: string; password: string } => {
  return { username, password: `${username}'s word` };
};

/** A server for them. */
export async function startForAll(): Promise<TestServer> {
  return await TestServer.start(NAMES.map(credentialsOf));
}

/** What an operator's reset of a password leaves: nothing of what the account had encrypted. */
export function resetVault(server: TestServer, name: Name): void {
  using database = new DatabaseSync(server.db);
  for (const table of ["blobs", "devices", "key_packages", "welcomed"]) {
    database.prepare(`DELETE FROM ${table} WHERE account = ?`).run(name);
  }
}

/** Someone at the SDK, in sealed rooms too. */
export async function connectTo(
  server: TestServer,
  name: Name,
  options: Partial<ConnectOptions> = {},
): Promise<ChatConnection> {
  const timing = { settleMs: 0 };
  const { port } = server;
  return await connectAs({ ...credentialsOf(name), port, sealed: true, timing, ...options });
}

/** Someone at a terminal. */
export class Person implements AsyncDisposable {
  readonly io = new FakeIo();
  readonly chat: ChatConnection;
  readonly #terminal: Terminal;
  readonly #ended: Promise<number>;

  private constructor(chat: ChatConnection, history: number, color: boolean) {
    this.chat = chat;
    this.#terminal = Terminal.open(this.io, { color, maxLineBytes: 1_000 });
    this.#ended = new Conversation(this.#terminal, chat, history).run();
  }

  /** Comes, and has an identity when it resolves. */
  static async at(
    server: TestServer,
    name: Name,
    { color = false, ...options }: Partial<ConnectOptions> & { color?: boolean } = {},
  ): Promise<Person> {
    const chat = await connectTo(server, name, options);
    await chat.sealed.identityOf(NAMES.find((one) => one !== name) as Name).catch(() => {});
    return new Person(chat, options.history ?? 0, color);
  }

  /** Types a line, and waits for what it brings; returns what is on the screen since then. */
  async type(line: string, answer: RegExp): Promise<string> {
    this.io.output = "";
    this.io.type(`${line}\r`);
    return await this.sees(answer);
  }

  /** Waits for what is shown; returns what is on the screen since the last typed line. */
  async sees(answer: RegExp): Promise<string> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(() => {
      late.reject(new Error(`nothing like ${answer} came, but ${this.io.output}`));
    }, PATIENCE_MS);
    await Promise.race([this.io.shown(answer), late.promise]).finally(() => clearTimeout(timer));
    return this.io.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.chat.abandon();
    await this.#ended;
    this.#terminal.restore();
  }
}
