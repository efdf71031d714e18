/**
 * A script of the benches as a process of its own, so that whoever measures does not wait for it. It
 * is asked by lines, and answers each with one line of JSON, the first one unasked.
 *
 * @module
 */

import { TextLineStream } from "../scenario/text_line_stream.ts";

/** See the module's description. */
export class Worker implements AsyncDisposable {
  readonly #script: string;
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(script: string, args: string[]) {
    this.#script = script;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", new URL(script, import.meta.url).pathname, ...args],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = lines(this.#child.stdout).getReader();
  }

  /** Starts a script of this folder; resolves when it says that it is ready. */
  static async start(script: string, args: string[]): Promise<Worker> {
    const worker = new Worker(script, args);
    await worker.#answer();
    return worker;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Sends a line, and returns the answer. */
  async ask(line: string): Promise<unknown> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
    return await this.#answer();
  }

  async #answer(): Promise<unknown> {
    const { value } = await this.#lines.read();
    if (value === undefined) throw new Error(`${this.#script} ended: see above`);
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      return; // it has ended already
    }
    await this.#lines.cancel();
    await this.#input.abort().catch(() => {}); // it reads no more
    await this.#child.status;
  }
}

/** The script's side: says that it is ready, and answers each line of the input, one by one. */
export async function serve(answer: (line: string) => unknown): Promise<void> {
  console.log(JSON.stringify("ready"));
  for await (const line of lines(Deno.stdin.readable)) {
    console.log(JSON.stringify(await answer(line)));
  }
}

function lines(bytes: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<string> {
  return bytes.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
}
