/**
 * What scenarios of rooms and people share: a server with an operator and two members, on real
 * programs.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Credentials } from "../../lib/client/login.ts";
import type { ConnectOptions } from "../../lib/client/options.ts";
import { describeError, exitCodeOf } from "../../lib/errors.ts";
import { addAccounts, noteKind, TempFolder } from "../attacks/server.ts";
import { NearClient, type Talker } from "./near_client.ts";
import { type Event, JsonClient, runProgram, ServerProgram } from "./programs.ts";

const credentialsOf = (username: string): Credentials => ({ username, password: "pw" });

/** Who is near, and who comes as a program. */
function parted(programs: readonly string[]): { near: Credentials[]; far: Credentials[] } {
  const near = ["olga", "alice", "mallory"].filter((name) => !programs.includes(name));
  return { near: near.map(credentialsOf), far: programs.map(credentialsOf) };
}

/** A server with an operator, olga, and two members; all passwords are `pw`. */
export class Class implements AsyncDisposable {
  /** The databases after the first preparation, by who comes as a program. */
  static readonly #prepared = new Map<string, Uint8Array>();
  readonly #folder = new TempFolder();
  readonly db = this.#folder.file("chat.db");
  readonly #key = this.#folder.file("lobby.key");
  server!: ServerProgram;

  /** @param programs who comes as a program: takes a second for each. */
  static async start(...programs: readonly string[]): Promise<Class> {
    const one = new Class();
    const prepared = Class.#prepared.get(programs.join());
    const { near, far } = parted(programs);
    noteKind(near, "random");
    noteKind(far, "chosen");
    if (prepared !== undefined) Deno.writeFileSync(one.db, prepared, { mode: 0o600 });
    else await one.#prepare(programs);
    await one.restart();
    return one;
  }

  async #prepare(programs: readonly string[]): Promise<void> {
    const { near, far } = parted(programs);
    await addAccounts(this.db, near, "random");
    await addAccounts(this.db, far, "chosen");
    await this.operate("user", "role", "olga", "operator");
    Class.#prepared.set(programs.join(), Deno.readFileSync(this.db));
  }

  /** Starts the server, for the first time or again. */
  async restart(): Promise<void> {
    const old: ServerProgram | undefined = this.server;
    old?.kill("SIGTERM");
    await old?.ended();
    await old?.[Symbol.asyncDispose]();
    this.server = await ServerProgram.start(["--db", this.db, "--key-file", this.#key]);
  }

  /** Someone at a client in JSON mode. */
  join(name: string, options: Partial<ConnectOptions> = {}): Promise<NearClient> {
    return NearClient.start(this.server.port, credentialsOf(name), options);
  }

  /** The same as a program, for who comes as one. */
  joinProgram(name: string): Promise<JsonClient> {
    return JsonClient.start(this.server.port, name, credentialsOf(name).password);
  }

  /** Tries to log in; the exit code that the program would have, and what it would say. */
  async tryLogIn(name: string, password = "pw"): Promise<{ code: number; stderr: string }> {
    const { port } = this.server;
    try {
      const who = { username: name, password };
      await using client = await NearClient.start(port, who, { reconnectForMs: 0 });
      await client.endInput();
      return { code: await client.ended(), stderr: "" };
    } catch (error) {
      return { code: exitCodeOf(error), stderr: describeError(error) };
    }
  }

  /** Runs an operator's command on the console; its output as JSON. */
  async operate(...words: string[]): Promise<Event[]> {
    const args = [...words, "--db", this.db, "--json"];
    const { code, stdout, stderr } = await runProgram("server", args);
    assert.equal(code, 0, stderr);
    return stdout.map((line) => JSON.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** Types a command. */
export function command(client: Talker, line: string): Promise<void> {
  return client.type(JSON.stringify({ type: "command", line }));
}
