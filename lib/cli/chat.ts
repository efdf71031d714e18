/**
 * `deno task chat [PORT]`, the newcomer's one command: a client, and a server for it on loopback if
 * none listens there. The server is a process of its own, which ends with the client.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type Address, DEFAULT_HOST, DEFAULT_PORT, parsePort } from "../client/address.ts";
import { runClient } from "../client/run.ts";
import { EnvironmentError } from "../errors.ts";
import { LOBBY } from "../rooms/open_room.ts";
import { fail, say } from "./program.ts";

const SERVER = new URL("../../server.ts", import.meta.url);

/** What the server needs here, and no more. */
const SERVER_PERMISSIONS = [
  `--allow-net=${DEFAULT_HOST}`,
  "--allow-read=.",
  "--allow-write=.",
  "--allow-env=NO_COLOR,TERM",
];

/** Bytes of the server's words that are kept, to say why it did not start. */
const MAX_KEPT_BYTES = 4096;

/** Starts what is missing and chats; returns the exit code. */
async function chat(address: Address): Promise<number> {
  const server = await isListening(address) ? undefined : await LocalServer.start(address);
  try {
    return await runClient({ address, room: LOBBY, json: false, color: true });
  } finally {
    await server?.stop();
  }
}

async function isListening(address: Address): Promise<boolean> {
  try {
    const connection = await Deno.connect(address);
    connection.close();
    return true;
  } catch {
    return false;
  }
}

/** The server process that this one started. */
class LocalServer {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #errors: Promise<string>;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#lines = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    this.#errors = keepEnd(process.stderr);
  }

  static async start({ port }: Address): Promise<LocalServer> {
    const program = [fileURLToPath(SERVER), "--port", String(port)];
    const args = ["run", "--quiet", "--no-prompt", ...SERVER_PERMISSIONS, ...program];
    const command = new Deno.Command(Deno.execPath(), {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const server = new LocalServer(command.spawn());
    // Whatever ends this process, an interrupt in the middle of the login too, ends the server.
    addEventListener("unload", () => server.#end());
    say(await server.#announcement());
    return server;
  }

  /** Its first lines: where it listens, the key, the demo login. */
  async #announcement(): Promise<string> {
    const { value } = await this.#lines.read();
    if (value !== undefined) return value.trimEnd();
    const { code } = await this.#process.status;
    const said = await this.#errors;
    throw new EnvironmentError("server-failed", `The server ended with code ${code}: ${said}`);
  }

  /** Ends it in order, and shows its last words. */
  async stop(): Promise<void> {
    this.#end();
    for (let read = await this.#lines.read(); !read.done; read = await this.#lines.read()) {
      say(read.value.trimEnd());
    }
    await this.#process.status;
  }

  #end(): void {
    try {
      this.#process.kill("SIGTERM");
    } catch {
      // It has ended already, which is what is wanted.
    }
  }
}

async function keepEnd(stream: ReadableStream<Uint8Array>): Promise<string> {
  let kept = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    kept = (kept + text).slice(-MAX_KEPT_BYTES);
  }
  return kept.trim();
}

async function main([port]: readonly string[]): Promise<number> {
  const number = port === undefined ? DEFAULT_PORT : parsePort(port, 1);
  return await chat({ hostname: DEFAULT_HOST, port: number });
}

if (import.meta.main) Deno.exit(await main(Deno.args).catch(fail));
