/**
 * People at terminals without windows, on a real server: what they type and what they are shown.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ChatConnection } from "../../lib/client/connection.ts";
import { Conversation } from "../../lib/client/conversation.ts";
import type { ConnectOptions } from "../../lib/client/options.ts";
import { Terminal } from "../../lib/client/terminal/terminal.ts";
import { connectAs, TestServer } from "../attacks/server.ts";
import { FakeIo } from "../terminal/fake_io.ts";

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

  private constructor(chat: ChatConnection, history: number) {
    this.chat = chat;
    this.#terminal = Terminal.open(this.io, { color: true, maxLineBytes: 1_000 });
    this.#ended = new Conversation(this.#terminal, chat, history).run();
  }

  /** Comes, and has an identity when it resolves. */
  static async at(
    server: TestServer,
    name: Name,
    options: Partial<ConnectOptions> = {},
  ): Promise<Person> {
    const chat = await connectTo(server, name, options);
    await chat.sealed.identityOf(NAMES.find((one) => one !== name) as Name).catch(() => {});
    return new Person(chat, options.history ?? 0);
  }

  /** Types a line, and waits for what it brings; returns what is on the screen since then. */
  async type(line: string, answer: RegExp): Promise<string> {
    this.io.output = "";
    this.io.type(`${line}\r`);
    return await this.sees(answer);
  }

  /** Waits for what is shown; returns what is on the screen since the last typed line. */
  async sees(answer: RegExp): Promise<string> {
    const timer = setTimeout(() => {
      this.io.output += `\n(nothing like ${answer} came)`;
      this.io.write(new Uint8Array());
    }, 10_000);
    await Promise.race([this.io.shown(answer), this.io.shown(/\(nothing like .* came\)/)]);
    clearTimeout(timer);
    // deno-lint-ignore no-control-regex
    const seen = this.io.output.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, "");
    assert.match(this.io.output, answer);
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.chat.abandon();
    await this.#ended;
    this.#terminal.restore();
  }
}
