/**
 * A person at a real terminal: prompts, passwords, a line editor, and lines that arrive meanwhile.
 *
 * @module
 */

import { BugError, EnvironmentError } from "../../errors.ts";
import { LineEditor } from "./editor.ts";
import type { TerminalIo } from "./io.ts";
import { KeySource } from "./keysource.ts";
import { type Input, readInput, type ReadMode } from "./read.ts";
import { sanitizeText } from "./sanitize.ts";
import { Screen } from "./screen.ts";
import type { Style, StyledText } from "./style.ts";
import { wrapWords } from "./wrap.ts";

/** How to talk. */
export interface TerminalOptions {
  /** Whether to use styles. */
  color: boolean;
  /** The longest line that can be typed, in UTF-8 bytes. */
  maxLineBytes: number;
  /**
   * Called for a Ctrl-C while nothing is being read, which in raw mode is no SIGINT. Without it,
   * the next read gives the interrupt.
   */
  onInterrupt?: () => void;
}

const PASTE_MODE_ON = "\x1b[?2004h"; // bracketed paste: a pasted newline is no Enter
const LEAVE = "\x1b[?2004l\x1b[?7h\x1b[0m\x1b[?25h"; // and wrap, plain style, cursor, as found

/** Before a remark's second line, as wide as the sign before its first. */
const INDENT = "   ";

const utf8 = new TextEncoder();

/**
 * An open terminal. Raw mode lasts until {@linkcode Terminal.restore} or disposal, which must come
 * also after an error or a signal, or the person's shell is left deaf.
 *
 * One read at a time. Keys typed while nothing is being read wait for the next read, so await
 * nothing slow between two calls of {@linkcode Terminal.nextInput}.
 *
 * @example
 * ```ts ignore
 * import { systemTerminal } from "./io.ts";
 * import { Terminal } from "./terminal.ts";
 * await using terminal = Terminal.open(systemTerminal(), { color: true, maxLineBytes: 4096 });
 * terminal.setPrompt({ text: "lobby> ", style: "bold" });
 * for await (const input of terminal) {
 *   if (input.kind !== "line") break;
 *   terminal.print(`you said ${input.text}`);
 * }
 * ```
 */
export class Terminal implements AsyncDisposable {
  readonly #io: TerminalIo;
  readonly #options: TerminalOptions;
  readonly #screen: Screen;
  readonly #keys: KeySource;
  readonly #chat: ReadMode;
  #prompt: StyledText = "> ";
  readonly #onFull = () =>
    this.notice(`The line is full: at most ${this.#options.maxLineBytes} bytes`);
  #chatting = false;
  #pending: Promise<Input> | undefined;
  #open = true;

  private constructor(io: TerminalIo, options: TerminalOptions) {
    this.#io = io;
    this.#options = options;
    this.#screen = new Screen({
      write: (output) => io.write(utf8.encode(output)),
      columns: () => io.columns(),
      color: options.color,
    });
    this.#keys = new KeySource({ read: (p) => io.read(p), onInterrupt: options.onInterrupt });
    const editor = new LineEditor({ maxBytes: options.maxLineBytes, pastedNewline: " " });
    this.#chat = { editor, onFull: this.#onFull, secret: false, keep: false };
  }

  /**
   * Takes the terminal over: raw mode, bracketed paste.
   *
   * @throws {EnvironmentError} "not-a-terminal", if raw mode cannot be
   */
  static open(io: TerminalIo, options: TerminalOptions): Terminal {
    try {
      io.setRaw(true);
    } catch (cause) {
      const hint = "run it in a terminal, or see the options for use without one";
      throw new EnvironmentError("not-a-terminal", "Not a terminal", { cause, hint });
    }
    const terminal = new Terminal(io, options);
    io.write(utf8.encode(PASTE_MODE_ON));
    terminal.#keys.start();
    return terminal;
  }

  /** Asks for one line; question and answer stay on the screen, but not in the history. */
  readLine(prompt: StyledText): Promise<Input> {
    return this.#ask(prompt, false);
  }

  /** Asks for a password: nothing of it is shown. */
  readPassword(prompt: StyledText): Promise<Input> {
    return this.#ask(prompt, true);
  }

  /** Sets the prompt of {@linkcode Terminal.nextInput}, also while it waits. */
  setPrompt(prompt: StyledText): void {
    this.#prompt = prompt;
    if (this.#chatting) this.#screen.setPrompt(prompt);
  }

  /** What is being typed at the prompt, not entered yet. */
  get typed(): string {
    return this.#chat.editor.text;
  }

  /**
   * The next line typed at the prompt. The prompt stays on the screen between calls; what was
   * entered does not: print it if it is to be seen. While one call waits, another gives the same
   * promise, so it can be raced again and again.
   */
  nextInput(): Promise<Input> {
    if (this.#chatting && this.#pending !== undefined) return this.#pending;
    return this.#exclusively(() => {
      this.#chatting = true;
      this.#screen.setPrompt(this.#prompt);
      return readInput(this.#keys, this.#screen, this.#chat);
    });
  }

  /** What is entered at the prompt, up to and with the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Input, void, void> {
    for (;;) {
      const input = await this.nextInput();
      yield input;
      if (input.kind === "end") return;
    }
  }

  /** Prints lines above what is being typed. Each stays one line: a newline in it shows as " ⏎ ". */
  print(...lines: readonly StyledText[]): void {
    this.#screen.print(...lines);
  }

  /** Prints a remark of the program's own, set apart from what people say. */
  notice(text: string): void {
    this.#remark(`-- ${text}`, "dim");
  }

  /** Prints what went wrong. */
  complain(text: string): void {
    this.#remark(text, "red");
  }

  /** Prints what nobody must overlook, and rings the bell. */
  alarm(text: string): void {
    this.bell();
    this.#remark(text, "brightRed");
  }

  /** Rings the bell. What is printed never does: texts lose theirs in the sanitizer. */
  bell(): void {
    this.#screen.bell();
  }

  /** Draws the input again; call it on SIGWINCH. */
  redraw(): void {
    this.#screen.redraw();
  }

  /** Gives the terminal back as it was. Reads under way end. May be called again, and by signals. */
  restore(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#keys.stop();
    // A terminal that is gone needs nothing: its errors would only hide why we end.
    quietly(() => this.#screen.close());
    quietly(() => this.#io.write(utf8.encode(LEAVE)));
    quietly(() => this.#io.setRaw(false));
  }

  /** Restores the terminal. The last read of the standard input goes on: end with `Deno.exit`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.restore();
    return Promise.resolve();
  }

  /** Sanitized here already: each line is to stay as long as it was measured. */
  #remark(text: string, style: Style): void {
    // What fills the last column makes some terminals begin a line too early.
    const lines = wrapWords(sanitizeText(text), this.#io.columns() - 1, INDENT);
    this.print(...lines.map((line) => ({ text: line, style })));
  }

  #ask(prompt: StyledText, secret: boolean): Promise<Input> {
    return this.#exclusively(() => {
      this.#chatting = false;
      this.#screen.hide();
      this.#screen.setPrompt(prompt);
      const editor = new LineEditor({ maxBytes: this.#options.maxLineBytes, pastedNewline: "" });
      return readInput(this.#keys, this.#screen, {
        editor,
        onFull: this.#onFull,
        secret,
        keep: true,
      });
    });
  }

  #exclusively(read: () => Promise<Input>): Promise<Input> {
    if (this.#pending !== undefined) throw new BugError("Two reads of one terminal at once");
    this.#keys.reading = true;
    this.#pending = read().finally(() => {
      this.#keys.reading = false;
      this.#pending = undefined;
    });
    return this.#pending;
  }
}

function quietly(action: () => void): void {
  try {
    action();
  } catch { /* see above */ }
}
