/**
 * What the Fernet interoperability tests and the bench share: the texts that cross over, and
 * Python's `cryptography` as a process that answers questions (`fernet_oracle.py`).
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** Texts from 0 bytes to 64 KiB of UTF-8: every padding, every plane, what terminals find hard. */
export const texts: readonly string[] = [
  ...[...Array(50).keys(), 255, 256, 257, 4095, 4096, 4097, 65535, 65536].map(asciiOfSize),
  "\0",
  "before\0after",
  "two\r\nlines\n",
  "\ufeffafter a byte order mark",
  "Zürich, naïve, Ελλάδα, Україна, 漢字, 한글, हिन्दी",
  "e\u0301 combines, \u00e9 does not, a\u0308\u0323\u0330 is one character",
  "שלום עולם, مرحبا بالعالم, \u202eoverridden\u202c",
  "😀 👍🏽 👩‍👩‍👧‍👦 🇨🇭 🏴󠁧󠁢󠁥󠁮󠁧󠁿 \u{10ffff}",
  "\u001b[31mred\u001b[0m\u0007",
  "é".repeat(32 * 1024),
  "漢".repeat(21 * 1024),
  "😀".repeat(16 * 1024),
];

function asciiOfSize(size: number): string {
  const printable = Array.from({ length: size }, (_, index) => 32 + index * 7 % 95);
  return printable.map((code) => String.fromCharCode(code)).join("");
}

/** A Python that has `cryptography`, or `undefined`; `FERNCHAT_PYTHON` names one that must have it. */
export function findPython(): string | undefined {
  const named = Deno.env.get("FERNCHAT_PYTHON");
  return named || ["/usr/bin/python3", "python3"].find(hasCryptography);
}

function hasCryptography(python: string): boolean {
  try {
    const args = ["-c", "import cryptography.fernet"];
    return new Deno.Command(python, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false; // no such program
  }
}

/** One running `fernet_oracle.py`: questions and answers are JSON, one a line. */
export class PythonOracle implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncGenerator<string>;

  constructor(python: string) {
    const args = [fileURLToPath(new URL("fernet_oracle.py", import.meta.url))];
    this.#process = new Deno.Command(python, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#answers = linesOf(this.#process.stdout);
  }

  /** Asks one question; what Python writes when it fails is on our standard error. */
  async ask<Answer>(command: string, question: object = {}): Promise<Answer> {
    const line = `${JSON.stringify({ command, ...question })}\n`;
    await this.#input.write(new TextEncoder().encode(line));
    const { value } = await this.#answers.next();
    if (value === undefined) throw new Error(`Python ended without an answer to "${command}"`);
    return JSON.parse(value);
  }

  /** Ends the process and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {}); // it may have ended by itself
    await this.#answers.return(undefined);
    await this.#process.status;
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
