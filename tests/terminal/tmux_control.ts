/**
 * tmux's control mode: one client of a tmux server that takes commands as lines and says when
 * something was written to a window. A process for each command would cost more than what it tests.
 *
 * @module
 */

import { TextLineStream } from "../scenario/text_line_stream.ts";

/** Where an answer begins: `%begin TIME NUMBER FLAGS`. */
const BEGIN = /^%begin (\d+ \d+) (\d)$/;

/** The flag of an answer to one of our commands; others answer what attached us. */
const OURS = "1";

/** See the module's description. */
export class TmuxControl implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  readonly #asked: PromiseWithResolvers<string>[] = [];
  #written = Promise.withResolvers<void>();

  /** Attaches to the server that these flags of tmux name, with nothing but this environment. */
  constructor(flags: readonly string[], env: { [name: string]: string }) {
    this.#child = new Deno.Command("tmux", {
      args: [...flags, "-C", "attach-session"],
      clearEnv: true,
      env,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Resolves when something is written to the window from now on. */
  get written(): Promise<void> {
    return this.#written.promise;
  }

  /** Runs a command; returns what it says. */
  async run(...words: readonly string[]): Promise<string> {
    const answer = Promise.withResolvers<string>();
    this.#asked.push(answer);
    const line = words.map(quote).join(" ");
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
    return await answer.promise;
  }

  /** Waits for the end of a server that was told to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reading;
    await this.#input.close().catch(() => {});
    await this.#child.status;
  }

  async #read(): Promise<void> {
    const lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    let answer: Answer | undefined;
    for await (const line of lines) {
      if (answer === undefined) {
        answer = Answer.begin(line);
        if (line.startsWith("%output ")) this.#tellWritten();
      } else if (answer.isEndedBy(line)) {
        this.#settle(answer, line.startsWith("%error"));
        answer = undefined;
      } else answer.lines.push(line);
    }
    this.#tellWritten();
    for (const one of this.#asked) one.reject(new Error("tmux has ended"));
  }

  #settle({ isOurs, lines }: Answer, failed: boolean): void {
    if (!isOurs) return;
    const asked = this.#asked.shift();
    const text = lines.join("\n");
    if (failed) asked?.reject(new Error(`tmux: ${text}`));
    else asked?.resolve(text);
  }

  #tellWritten(): void {
    this.#written.resolve();
    this.#written = Promise.withResolvers();
  }
}

/** What tmux says to one command. */
class Answer {
  readonly lines: string[] = [];
  readonly #number: string;
  readonly isOurs: boolean;

  private constructor(number: string, isOurs: boolean) {
    this.#number = number;
    this.isOurs = isOurs;
  }

  static begin(line: string): Answer | undefined {
    const [, number, flag] = BEGIN.exec(line) ?? [];
    return number === undefined ? undefined : new Answer(number, flag === OURS);
  }

  isEndedBy(line: string): boolean {
    return line.startsWith(`%end ${this.#number} `) || line.startsWith(`%error ${this.#number} `);
  }
}

/** A word for tmux's own parser. */
function quote(word: string): string {
  const escaped = word.replaceAll(/[\\"$]/g, "\\$&").replaceAll("\n", "\\n");
  return `"${escaped.replaceAll("\r", "\\r")}"`;
}
