/**
 * Programs whose whole output is kept, byte for byte: what they would have written to a terminal.
 *
 * @module
 */

import { commandLine } from "../scenario/programs.ts";
import { ALICE } from "./server.ts";

/** A program whose output is kept as it is. */
export class Spoken implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  /** Resolves when it has ended. */
  readonly output: Promise<{ stdout: string; stderr: string }>;

  constructor(program: "server" | "client", args: string[], env: { [name: string]: string } = {}) {
    const [command, ...first] = commandLine(program);
    this.#child = new Deno.Command(command as string, {
      args: [...first, ...args],
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.output = this.#read();
  }

  /** Types lines. */
  async type(...lines: string[]): Promise<void> {
    const text = lines.map((line) => `${line}\n`).join("");
    await this.#input.write(new TextEncoder().encode(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended, as it should.
    }
    await this.#input.close().catch(() => {});
    await this.output;
  }

  async #read(): Promise<{ stdout: string; stderr: string }> {
    const { stdout, stderr } = this.#child;
    const [out, err] = await Promise.all([stdout, stderr].map((one) => new Response(one).text()));
    await this.#child.status;
    return { stdout: out as string, stderr: err as string };
  }
}

/** Runs a program to its end; a password that it wants is alice's. */
export async function run(
  program: "server" | "client",
  ...args: string[]
): Promise<{ stdout: string; stderr: string }> {
  await using spoken = new Spoken(program, args, { FERNCHAT_PASSWORD: ALICE.password });
  await spoken.type(ALICE.password);
  return await spoken.output;
}
