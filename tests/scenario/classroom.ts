/**
 * What scenarios of rooms and people share: a server with an operator and two members, on real
 * programs.
 *
 * @module
 */

import assert from "node:assert/strict";
import { TempFolder } from "../attacks/server.ts";
import { addUser, type Event, JsonClient, runProgram, ServerProgram } from "./programs.ts";

/** A server with an operator, olga, and two members; all passwords are `pw`. */
export class Class implements AsyncDisposable {
  /** The database after the first preparation: each account costs a second to make. */
  static #prepared: Uint8Array | undefined;
  readonly #folder = new TempFolder();
  readonly db = this.#folder.file("chat.db");
  readonly #key = this.#folder.file("lobby.key");
  server!: ServerProgram;

  static async start(): Promise<Class> {
    const one = new Class();
    const prepared = Class.#prepared;
    if (prepared !== undefined) Deno.writeFileSync(one.db, prepared, { mode: 0o600 });
    else await one.#prepare();
    await one.restart();
    return one;
  }

  async #prepare(): Promise<void> {
    for (const name of ["olga", "alice", "mallory"]) await addUser(this.db, name, "pw");
    await this.operate("user", "role", "olga", "operator");
    Class.#prepared = Deno.readFileSync(this.db);
  }

  /** Starts the server, for the first time or again. */
  async restart(): Promise<void> {
    const old: ServerProgram | undefined = this.server;
    old?.kill("SIGTERM");
    await old?.ended();
    await old?.[Symbol.asyncDispose]();
    this.server = await ServerProgram.start(["--db", this.db, "--key-file", this.#key]);
  }

  /** Someone at a client of `--json`. */
  join(name: string, ...flags: string[]): Promise<JsonClient> {
    return JsonClient.start(this.server.port, name, "pw", {}, flags);
  }

  /** Tries to log in; the exit code, and what was said. */
  async tryLogIn(name: string, password = "pw"): Promise<{ code: number; stderr: string }> {
    const env = { FERNCHAT_PASSWORD: password };
    const args = ["--user", name, `127.0.0.1:${this.server.port}`];
    return await runProgram("client", args, "", { env });
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
export function command(client: JsonClient, line: string): Promise<void> {
  return client.type(JSON.stringify({ type: "command", line }));
}
