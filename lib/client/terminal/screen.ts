/**
 * The picture: lines that scroll up, and below them one row with the prompt and the line being typed.
 *
 * The input never wraps: which row the cursor is on then needs no counting, and neither a resize
 * nor a character whose width the terminal sees differently can bring the picture out of step.
 *
 * @module
 */

import { renderText, type Segment, segmentsOf, type StyledText } from "./style.ts";
import { columnsOf } from "./width.ts";
import { fitColumns, inputWindow } from "./window.ts";

/** Where and how to draw. */
export interface ScreenOptions {
  /** Writes to the terminal; called once an update, so that no half picture is ever seen. */
  write(output: string): void;
  /** The terminal's width now. */
  columns(): number;
  /** Whether to use styles. */
  color: boolean;
}

/** Below this there is nothing sensible to draw; a terminal that says 0 does not know. */
const MIN_COLUMNS = 4;

const ERASE_ROW = "\r\x1b[J"; // to the left edge; erase from there to the end of the screen
const CLEAR_SCREEN = "\x1b[H\x1b[2J";
const WRAP_OFF = "\x1b[?7l"; // DECAWM: what overflows stays in the last column
const WRAP_ON = "\x1b[?7h";
const SAVE_CURSOR = "\x1b7"; // DECSC and DECRC: the terminal knows best where it drew to
const RESTORE_CURSOR = "\x1b8";
const BELL = "\x07";

/** Draws; decides nothing. All text that it is given passes the sanitizer. */
export class Screen {
  readonly #options: ScreenOptions;
  #prompt: StyledText = "";
  #text = "";
  #cursor = 0;
  #shown = false;
  #closed = false;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** Prints whole lines above the input. */
  print(...lines: readonly StyledText[]): void {
    const printed = lines.map((line) => renderText(line, this.#options.color) + "\r\n").join("");
    this.#write((this.#shown ? ERASE_ROW : "") + printed + this.#row());
  }

  /** Sets the prompt; redraws it if it is on the screen. */
  setPrompt(prompt: StyledText): void {
    this.#prompt = prompt;
    this.redraw();
  }

  /** Shows the prompt and this input, with the cursor at an index into it. */
  show(text: string, cursor: number): void {
    if (this.#closed) return;
    this.#text = text;
    this.#cursor = cursor;
    this.#shown = true;
    this.redraw();
  }

  /**
   * Draws the input again, as after a resize.
   *
   * A terminal that rewraps on getting narrower may leave the start of the old row above. Erasing
   * upwards would be worse: in one that does not rewrap, it would eat a line that was printed.
   */
  redraw(): void {
    if (this.#shown) this.#write(ERASE_ROW + this.#row());
  }

  /** Leaves the input where it is, and goes on below it. */
  commit(): void {
    if (this.#shown) this.#write("\r\n");
    this.#shown = false;
  }

  /** Takes the input off the screen. */
  hide(): void {
    if (this.#shown) this.#write(ERASE_ROW);
    this.#shown = false;
  }

  /** Takes the input off the screen for good; lines can still be printed. */
  close(): void {
    this.#closed = true;
    this.hide();
  }

  /** Clears the screen but for the input. */
  clear(): void {
    this.#write(CLEAR_SCREEN + this.#row());
  }

  /** Rings. */
  bell(): void {
    this.#write(BELL);
  }

  #write(output: string): void {
    if (output !== "") this.#options.write(output);
  }

  #row(): string {
    if (!this.#shown) return "";
    const columns = Math.max(MIN_COLUMNS, this.#options.columns());
    const prompt = fitPrompt(this.#prompt, Math.floor(columns / 2));
    const promptColumns = columnsOf(prompt.map((segment) => segment.text).join(""));
    // The last column stays free for the cursor.
    const { before, after } = inputWindow(this.#text, this.#cursor, columns - promptColumns - 1);
    const rest = after === "" ? "" : SAVE_CURSOR + after + RESTORE_CURSOR;
    return WRAP_OFF + renderText(prompt, this.#options.color) + before + rest + WRAP_ON;
  }
}

function fitPrompt(prompt: StyledText, columns: number): Segment[] {
  const fitted: Segment[] = [];
  for (const segment of segmentsOf(prompt)) {
    const text = fitColumns(segment.text, columns);
    columns -= columnsOf(text);
    fitted.push({ ...segment, text });
  }
  return fitted;
}
