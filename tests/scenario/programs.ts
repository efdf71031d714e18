/**
 * The two programs as processes, for scenarios: each is ready before a test gets it, its output is
 * read line by line, and it ends with the test. Executables take the programs' place where
 * `FERNCHAT_SERVER` and `FERNCHAT_CLIENT` name them.
 *
 * @module
 */

import { TextLineStream } from "./text_line_stream.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Milliseconds after which a scenario that waits for something is stuck. */
const PATIENCE_MS = 30_000;

/** Milliseconds in which a line has to come that a scenario reads others before. */
const MAX_LINES_MS = 2 * PATIENCE_MS;

/** Bytes of a child's stderr that are kept for a failure's message. */
const MAX_KEPT = 65_536;

/** An executable has to run where there is nothing: no environment, and no file of ours nearby. */
const ALONE = { clearEnv: true, cwd: "/" };

/** A child process whose stdout is lines. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #kept: Promise<string>;
  readonly #name: string;
  /** All lines so far. */
  readonly seen: string[] = [];

  protected constructor(program: "server" | "client", args: string[], options: SpawnOptions) {
    const { shell, runtimeFlags, ...spawnOptions } = options;
    const [command, ...first] = [
      ...(shell === undefined ? [] : ["/bin/sh", "-c", shell, "sh"]),
      ...commandLine(program, runtimeFlags),
    ];
    this.#name = `${program} ${args.join(" ")}`;
    this.#child = new Deno.Command(command as string, {
      args: [...first, ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...(isExecutable(program) ? ALONE : {}),
      ...spawnOptions,
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
    this.#kept = keep(this.#child.stderr);
  }

  /** Starts a program without waiting for anything. */
  static spawn(program: "server" | "client", args: string[], options: SpawnOptions = {}): Program {
    return new Program(program, args, options);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it said on stderr, once it has ended. */
  get stderr(): Promise<string> {
    return this.#kept;
  }

  /** Its next line, or `undefined` at the end of its output. */
  async line(): Promise<string | undefined> {
    const { value } = await patiently(this.#lines.read(), `a line of ${this.#name}`);
    if (value !== undefined) this.seen.push(value);
    return value;
  }

  /** Reads lines up to the first that fits. */
  async until(fits: (line: string) => boolean): Promise<string> {
    for (const end = performance.now() + MAX_LINES_MS;;) {
      if (performance.now() > end) {
        throw new Error(`${this.#name} only said ${this.seen.slice(-9)}`);
      }
      const line = await this.line();
      if (line === undefined) {
        throw new Error(`${this.#name} ended early, after ${this.seen}: ${await this.#kept}`);
      }
      if (fits(line)) return line;
    }
  }

  /** Writes lines to its input. */
  async type(...lines: string[]): Promise<void> {
    await this.#input.write(new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
  }

  /** Writes raw bytes to its input. */
  async typeBytes(bytes: Uint8Array): Promise<void> {
    await this.#input.write(bytes);
  }

  /** Ends its input. */
  async endInput(): Promise<void> {
    await this.#input.close().catch(() => {});
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Reads to its end; returns the exit code. */
  async ended(): Promise<number> {
    while (await this.line() !== undefined);
    const { code } = await patiently(this.#child.status, `the end of ${this.#name}`);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.endInput();
    await this.#lines.cancel();
    await this.#child.status;
    await this.#kept;
  }
}

/** What a test may change about a process. */
export interface SpawnOptions {
  cwd?: string;
  env?: { [name: string]: string };
  clearEnv?: boolean;
  /** Starts it from a shell, which has to `exec "$@"` in the end. */
  shell?: string;
  /** Flags of `deno run`; an executable takes none. */
  runtimeFlags?: string[];
}

/** A running server. */
export class ServerProgram extends Program {
  port = 0;
  key = "";

  static async start(args: string[], options: SpawnOptions = {}): Promise<ServerProgram> {
    const server = new ServerProgram("server", ["--json", "--port", "0", ...args], options);
    const line = await server.until((line) => line.startsWith("{"));
    const { port, session_key } = JSON.parse(line);
    server.port = port;
    server.key = session_key;
    return server;
  }
}

/** An event of `--json` mode. */
export type Event = { type: string } & { [field: string]: unknown };

/**
 * Whether an event is of a type. That an account has an identity key now is told in the background,
 * at some moment: not by this.
 */
export function isMeant(event: Event, type: string): boolean {
  return event.type === type && event["code"] !== "identity-made";
}

/** A client in `--json` mode. */
export class JsonClient extends Program {
  static async start(
    port: number,
    user: string,
    password: string,
    options: SpawnOptions = {},
    flags: string[] = [],
  ): Promise<JsonClient> {
    const args = ["--json", "--user", user, `127.0.0.1:${port}`, ...flags];
    const env = { ...options.env, FERNCHAT_PASSWORD: password };
    const client = new JsonClient("client", args, { ...options, env });
    await client.event("ready");
    return client;
  }

  /** The next event of a type. */
  async event(type: string): Promise<Event> {
    return JSON.parse(await this.until((line) => isMeant(JSON.parse(line), type)));
  }

  async send(text: string, id?: string): Promise<void> {
    await this.type(JSON.stringify({ type: "send", room: "lobby", text, id }));
  }
}

/** Runs a program to its end with an input. */
export async function runProgram(
  program: "server" | "client",
  args: string[],
  input: string | Uint8Array = "",
  options: SpawnOptions = {},
): Promise<{ code: number; stdout: string[]; stderr: string }> {
  await using child = Program.spawn(program, args, options);
  // A program that ends without reading its input is no failure of the writer.
  const bytes = typeof input === "string" ? new TextEncoder().encode(input) : input;
  await child.typeBytes(bytes).then(() => child.endInput(), () => {});
  const code = await child.ended();
  return { code, stdout: child.seen, stderr: await child.stderr };
}

/** Makes an account in a database, as an operator does. */
export async function addUser(db: string, name: string, password: string): Promise<void> {
  const args = ["user", "add", name, "--db", db, "--password-file", "-"];
  const { code, stderr } = await runProgram("server", args, password);
  if (code !== 0) throw new Error(`Cannot add ${name}: ${stderr}`);
}

/** The command line that starts a program. */
export function commandLine(program: "server" | "client", runtimeFlags: string[] = []): string[] {
  return isExecutable(program)
    ? [executable(program)]
    : [Deno.execPath(), "run", "--quiet", "-A", ...runtimeFlags, `${ROOT}${program}.ts`];
}

function executable(program: "server" | "client"): string {
  return Deno.env.get(`FERNCHAT_${program.toUpperCase()}`) ?? "";
}

function isExecutable(program: "server" | "client"): boolean {
  return executable(program) !== "";
}

async function keep(stream: ReadableStream<Uint8Array>): Promise<string> {
  let kept = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    kept = (kept + text).slice(-MAX_KEPT);
  }
  return kept;
}

/** Bounds a wait: a scenario that hangs says where. */
export async function patiently<T>(waiting: Promise<T>, what: string): Promise<T> {
  const stuck = Promise.withResolvers<never>();
  const deadline = setTimeout(() => stuck.reject(new Error(`Waited for ${what}`)), PATIENCE_MS);
  try {
    return await Promise.race([waiting, stuck.promise]);
  } finally {
    clearTimeout(deadline);
  }
}
