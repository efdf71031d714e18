/**
 * What keys do to the line being typed: pure, no terminal.
 *
 * @module
 */

import { History } from "./history.ts";
import type { Key } from "./keys.ts";
import { Line } from "./line.ts";

/** What a key came to. */
export type EditorOutcome =
  /** The line, its cursor, or nothing changed: draw it. */
  | { kind: "edited" }
  /** Enter: the line, which the editor has put into history and cleared. */
  | { kind: "submit"; text: string }
  /** Ctrl-D on an empty line. */
  | { kind: "end" }
  /** Ctrl-C on an empty line; on any other it only clears the line, as in a shell. */
  | { kind: "interrupt" }
  /** Ctrl-L. */
  | { kind: "clear-screen" }
  /** Not all of the text fitted into the line: say so. */
  | { kind: "full" };

/** How to edit. */
export interface EditorOptions {
  /** The longest line in UTF-8 bytes. */
  maxBytes: number;
  /** How many entered lines to keep. Default: 500. */
  historySize?: number;
  /** What a newline in a paste becomes, for a paste never submits by itself. Default: a space. */
  pastedNewline?: string;
}

const EDITED: EditorOutcome = { kind: "edited" };
const FULL: EditorOutcome = { kind: "full" };

/** Keys that only edit, as in readline(3). */
const EDITS: Readonly<Record<string, (line: Line) => boolean | void>> = {
  "tab": (line) => line.insert(" "),
  "backspace": (line) => line.deleteTo(line.previous()),
  "delete": (line) => line.deleteTo(line.next()),
  "ctrl-d": (line) => line.deleteTo(line.next()),
  "left": (line) => line.moveTo(line.previous()),
  "ctrl-b": (line) => line.moveTo(line.previous()),
  "right": (line) => line.moveTo(line.next()),
  "ctrl-f": (line) => line.moveTo(line.next()),
  "home": (line) => line.moveTo(0),
  "ctrl-a": (line) => line.moveTo(0),
  "end": (line) => line.moveTo(line.text.length),
  "ctrl-e": (line) => line.moveTo(line.text.length),
  "ctrl-left": (line) => line.moveTo(line.wordStart()),
  "alt-left": (line) => line.moveTo(line.wordStart()),
  "alt-b": (line) => line.moveTo(line.wordStart()),
  "ctrl-right": (line) => line.moveTo(line.wordEnd()),
  "alt-right": (line) => line.moveTo(line.wordEnd()),
  "alt-f": (line) => line.moveTo(line.wordEnd()),
  "ctrl-w": (line) => line.kill(line.blankBefore()),
  "alt-backspace": (line) => line.kill(line.wordStart()),
  "alt-d": (line) => line.kill(line.wordEnd()),
  "ctrl-u": (line) => line.kill(0),
  "ctrl-k": (line) => line.kill(line.text.length),
  "ctrl-y": (line) => line.yank(),
};

/**
 * A line editor with history.
 *
 * @example
 * ```ts
 * import { LineEditor } from "./editor.ts";
 * const editor = new LineEditor({ maxBytes: 100 });
 * editor.press({ kind: "text", text: "hello" });
 * console.assert(editor.press({ kind: "key", name: "enter" }).kind === "submit");
 * ```
 */
export class LineEditor {
  readonly #line: Line;
  readonly #history: History;
  readonly #pastedNewline: string;

  constructor(options: EditorOptions) {
    this.#pastedNewline = options.pastedNewline ?? " ";
    this.#line = new Line(options.maxBytes);
    this.#history = new History(options.historySize);
  }

  /** The line. */
  get text(): string {
    return this.#line.text;
  }

  /** The cursor: an index into `text`, always between two graphemes. */
  get cursor(): number {
    return this.#line.cursor;
  }

  /** Does what the key means; keys without a meaning change nothing. */
  press(key: Key): EditorOutcome {
    if (key.kind === "text") return this.#line.insert(key.text) ? EDITED : FULL;
    if (key.kind === "paste") return this.#line.insert(this.#oneLine(key.text)) ? EDITED : FULL;
    return this.#control(key.name) ?? this.#edit(key.name);
  }

  /** Keys that do more than edit. */
  #control(name: string): EditorOutcome | undefined {
    switch (name) {
      case "enter":
        return { kind: "submit", text: this.#submit() };
      case "ctrl-c":
        return this.text === "" ? { kind: "interrupt" } : this.#show("");
      case "ctrl-d":
        return this.text === "" ? { kind: "end" } : undefined;
      case "ctrl-l":
        return { kind: "clear-screen" };
      case "up":
      case "ctrl-p":
        return this.#show(this.#history.older(this.text));
      case "down":
      case "ctrl-n":
        return this.#show(this.#history.newer());
      default:
        return undefined;
    }
  }

  #edit(name: string): EditorOutcome {
    const edit = Object.hasOwn(EDITS, name) ? EDITS[name] : undefined;
    return edit?.(this.#line) === false ? FULL : EDITED;
  }

  #oneLine(pasted: string): string {
    return pasted.replaceAll("\t", " ").replaceAll("\n", this.#pastedNewline);
  }

  #submit(): string {
    const text = this.text;
    this.#history.add(text);
    this.#line.set("");
    return text;
  }

  #show(text: string | undefined): EditorOutcome {
    if (text !== undefined) this.#line.set(text);
    return EDITED;
  }
}
