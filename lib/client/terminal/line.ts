/**
 * A line of text with a cursor: pure state, no keys, no terminal.
 *
 * @module
 */

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const utf8 = new TextEncoder();

/**
 * A line whose cursor stands between two graphemes (UAX #29), so that an emoji or an accented
 * letter is one step and one backspace.
 *
 * @example
 * ```ts
 * import { Line } from "./line.ts";
 * const line = new Line(100);
 * line.insert("hello");
 * line.deleteTo(line.previous());
 * console.assert(line.text === "hell");
 * ```
 */
export class Line {
  #text = "";
  #cursor = 0;
  #killed = "";
  readonly #maxBytes: number;

  /** @param maxBytes the longest line, in UTF-8 bytes */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The text. */
  get text(): string {
    return this.#text;
  }

  /** The cursor: an index into `text`, in UTF-16 units. */
  get cursor(): number {
    return this.#cursor;
  }

  /**
   * Inserts at the cursor as much as fits, in whole graphemes.
   *
   * @returns whether all of it fitted
   */
  insert(text: string): boolean {
    const room = this.#maxBytes - byteLength(this.#text);
    const fitting = byteLength(text) <= room ? text : fit(text, room);
    this.#replace(this.#cursor, this.#cursor, fitting);
    return fitting === text;
  }

  /** Replaces the whole line; the cursor goes to its end. */
  set(text: string): void {
    this.#text = text;
    this.#cursor = text.length;
  }

  /** Puts the cursor at an index that {@linkcode Line.next} or the like gave. */
  moveTo(index: number): void {
    this.#cursor = index;
  }

  /** Deletes what lies between the cursor and an index. */
  deleteTo(index: number): void {
    this.#replace(Math.min(index, this.#cursor), Math.max(index, this.#cursor), "");
  }

  /** Deletes likewise, and keeps what was deleted for {@linkcode Line.yank}. */
  kill(index: number): void {
    if (index === this.#cursor) return;
    this.#killed = this.#text.slice(Math.min(index, this.#cursor), Math.max(index, this.#cursor));
    this.deleteTo(index);
  }

  /** Inserts what was killed last; returns whether all of it fitted. */
  yank(): boolean {
    return this.insert(this.#killed);
  }

  /** Where the grapheme before the cursor starts. */
  previous(): number {
    return graphemes.segment(this.#text).containing(this.#cursor - 1)?.index ?? 0;
  }

  /** Where the grapheme after the cursor ends. */
  next(): number {
    return endOfGrapheme(this.#text, this.#cursor);
  }

  /** Where the word before the cursor starts. */
  wordStart(): number {
    return this.#before(/(?<![\p{L}\p{M}\p{N}_])[\p{L}\p{M}\p{N}_]+[^\p{L}\p{M}\p{N}_]*$/u);
  }

  /** Where the word after the cursor ends. */
  wordEnd(): number {
    const after = this.#text.slice(this.#cursor);
    const word = /^[^\p{L}\p{M}\p{N}_]*[\p{L}\p{M}\p{N}_]*/u.exec(after);
    return stepOut(this.#text, this.#cursor + (word?.[0].length ?? 0));
  }

  /** Where the blank-delimited word before the cursor starts. */
  blankBefore(): number {
    return this.#before(/(?<!\S)\S+\s*$/u);
  }

  #before(pattern: RegExp): number {
    const index = Math.max(0, this.#text.slice(0, this.#cursor).search(pattern));
    return graphemes.segment(this.#text).containing(index)?.index ?? index;
  }

  #replace(start: number, end: number, text: string): void {
    this.#text = this.#text.slice(0, start) + text + this.#text.slice(end);
    this.#cursor = stepOut(this.#text, start + text.length);
  }
}

/** An index that may be inside a grapheme, as between "e" and its accent; if so, where that ends. */
function stepOut(text: string, index: number): number {
  const inside = graphemes.segment(text).containing(index)?.index !== index;
  return inside ? endOfGrapheme(text, index) : index;
}

function endOfGrapheme(text: string, index: number): number {
  const grapheme = graphemes.segment(text).containing(index);
  return grapheme === undefined ? text.length : grapheme.index + grapheme.segment.length;
}

function byteLength(text: string): number {
  return utf8.encode(text).length;
}

function fit(text: string, room: number): string {
  let end = 0;
  for (const { index, segment } of graphemes.segment(text)) {
    room -= byteLength(segment);
    if (room < 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}
