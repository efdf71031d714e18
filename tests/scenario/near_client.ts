/**
 * The client in JSON mode within the test's own process, for those whom a scenario needs to be there
 * and whose program is not what it is about: a process takes half a second to start, and as long for
 * 64 MiB of Argon2id. It is the same code on a connection of its own, for accounts that log in
 * without key stretching.
 *
 * @module
 */

import { runJsonMode } from "../../lib/client/json_mode.ts";
import type { ChatConnection } from "../../lib/client/connection.ts";
import type { ConnectOptions } from "../../lib/client/options.ts";
import type { Credentials } from "../../lib/client/login.ts";
import { dial } from "../../lib/client/dial.ts";
import { parseInviteLink } from "../../lib/client/invite_link.ts";
import { openInvite } from "../../lib/client/redeem.ts";
import { addAccounts, connectAs, createQuickly, noteKind } from "../attacks/server.ts";
import {
  type Event,
  isMeant,
  type JsonClient,
  patiently,
  ServerProgram,
  type SpawnOptions,
} from "./programs.ts";

/** What a test does with a client in JSON mode, wherever that runs. */
export type Talker =
  & AsyncDisposable
  & Pick<
    JsonClient,
    "seen" | "line" | "until" | "event" | "type" | "send" | "endInput" | "ended"
  >;

/** Someone who is near: in this process. */
export const NEAR: Credentials = { username: "nora", password: "nora's nearness" };

/** Someone at a program of their own. */
export const FAR: Credentials = { username: "felix", password: "felix's farness" };

/** Databases by their people: a copy is faster than a new one. */
const prepared = new Map<string, Uint8Array>();

/** Makes a database with accounts for clients near and far; by default one of each. */
export async function makeAccounts(
  db: string,
  { near = [NEAR], far = [FAR] }: { near?: readonly Credentials[]; far?: readonly Credentials[] } =
    {},
): Promise<void> {
  const key = JSON.stringify([near, far]);
  const bytes = prepared.get(key);
  noteKind(near, "random");
  noteKind(far, "chosen");
  if (bytes !== undefined) return Deno.writeFileSync(db, bytes, { mode: 0o600 });
  await addAccounts(db, near, "random");
  await addAccounts(db, far, "chosen");
  prepared.set(key, Deno.readFileSync(db));
}

/** Starts a server on a new database with accounts for clients near and far. */
export async function startServer(
  db: string,
  args: string[] = [],
  options: SpawnOptions = {},
): Promise<ServerProgram> {
  await makeAccounts(db);
  return await ServerProgram.start(["--db", db, ...args], options);
}

/** See the module's description. */
export class NearClient implements Talker {
  /** All lines so far. */
  readonly seen: string[] = [];
  readonly #chat: ChatConnection;
  readonly #input = new TransformStream<Uint8Array, Uint8Array>();
  readonly #writer = this.#input.writable.getWriter();
  readonly #output = new TransformStream<string, string>(undefined, undefined, {
    highWaterMark: Infinity,
  });
  readonly #lines = this.#output.readable.getReader();
  readonly #code: Promise<number>;

  private constructor(chat: ChatConnection, history: number) {
    this.#chat = chat;
    this.#code = this.#run(history);
  }

  /** Logs in and joins; resolves when that is done, as the program tells by `ready`. */
  static async start(
    port: number,
    who: Credentials = NEAR,
    options: Partial<ConnectOptions> = {},
  ): Promise<NearClient> {
    const { history = 50, ...others } = options;
    const reconnectForMs = Infinity; // as the program does
    const chat = await connectAs({ ...who, port, history, reconnectForMs, ...others });
    const client = new NearClient(chat, history);
    await client.event("ready");
    return client;
  }

  /** Follows an invite's link first. */
  static async join(link: string, who: Credentials): Promise<NearClient> {
    const { address, code } = parseInviteLink(link);
    const channel = await dial(address);
    try {
      await openInvite(channel, code);
      await createQuickly(channel, who);
    } finally {
      await channel.close();
    }
    return await NearClient.start(address.port, who);
  }

  /** Its next line, or `undefined` at the end of its output. */
  async line(): Promise<string | undefined> {
    const { value } = await patiently(this.#lines.read(), `a line of ${this.#chat.user}`);
    if (value !== undefined) this.seen.push(value);
    return value;
  }

  /** Reads lines up to the first that fits. */
  async until(fits: (line: string) => boolean): Promise<string> {
    for (;;) {
      const line = await this.line();
      if (line === undefined) throw new Error(`${this.#chat.user} ended early: ${this.seen}`);
      if (fits(line)) return line;
    }
  }

  /** The next event of a type, as {@linkcode JsonClient.event} has it. */
  async event(type: string): Promise<Event> {
    return JSON.parse(await this.until((line) => isMeant(JSON.parse(line), type)));
  }

  /** Writes lines to its input. */
  async type(...lines: string[]): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  }

  /** Says something in the lobby. */
  async send(text: string, id?: string): Promise<void> {
    await this.type(JSON.stringify({ type: "send", room: "lobby", text, id }));
  }

  /** Ends its input. */
  async endInput(): Promise<void> {
    await this.#writer.close().catch(() => {});
  }

  /** Is gone at once: nothing is saved, nobody is told. */
  kill(): void {
    this.#chat.abandon();
    void this.endInput();
  }

  /** Reads to its end; returns the exit code that the program would have. */
  async ended(): Promise<number> {
    while (await this.line() !== undefined);
    return await this.#code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#code;
  }

  async #run(history: number): Promise<number> {
    const reader = this.#input.readable.getReader();
    const input = new BytesOf(reader);
    const lines = this.#output.writable.getWriter();
    const output = {
      write: (bytes: Uint8Array): Promise<number> => {
        void lines.write(new TextDecoder().decode(bytes).trimEnd());
        return Promise.resolve(bytes.length);
      },
    };
    const code = await runJsonMode(this.#chat, { input, output, complain: () => {} }, history);
    await reader.cancel();
    await lines.close();
    return code;
  }
}

/** Bytes that were typed, read some at a time. */
class BytesOf {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(reader: ReadableStreamDefaultReader<Uint8Array>) {
    this.#reader = reader;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const { value } = await this.#reader.read();
      if (value === undefined) return null;
      this.#rest = value;
    }
    const count = Math.min(this.#rest.length, buffer.length);
    buffer.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }
}
