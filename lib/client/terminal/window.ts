/**
 * What of a long line to show in one row.
 *
 * @module
 */

import { sanitizeText } from "./sanitize.ts";
import { columnsOf } from "./width.ts";

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** What to show around the cursor: sanitized, with "…" where more is hidden. */
export interface InputWindow {
  before: string;
  after: string;
}

/**
 * The part of a line around its cursor that fits into a number of columns.
 *
 * A line that fits is shown whole. Otherwise what follows the cursor gets a quarter of the room if
 * it needs that, what precedes it the rest.
 *
 * @example
 * ```ts
 * import { inputWindow } from "./window.ts";
 * console.assert(inputWindow("hello world", 11, 6).before === "…world");
 * ```
 */
export function inputWindow(text: string, cursor: number, columns: number): InputWindow {
  const [start, end] = [sanitizeText(text.slice(0, cursor)), sanitizeText(text.slice(cursor))];
  const atLeast = take(forwards(end), Math.floor(columns / 4));
  const before = take(backwards(start), columns - atLeast.columns);
  const after = take(forwards(end), columns - before.columns);
  return { before: before.cells.reverse().join(""), after: after.cells.join("") };
}

/** The start of a sanitized text that fits into a number of columns. */
export function fitColumns(text: string, columns: number): string {
  return take(forwards(text), columns).cells.join("");
}

/** Takes graphemes while they fit; if any are left, the last column is an ellipsis. */
function take(cells: Iterable<string>, room: number): { cells: string[]; columns: number } {
  const taken: string[] = [];
  let columns = 0;
  for (const cell of cells) {
    taken.push(cell);
    columns += columnsOf(cell);
    if (columns > room) return cut(taken, columns, room);
  }
  return { cells: taken, columns };
}

function cut(cells: string[], columns: number, room: number): { cells: string[]; columns: number } {
  while (columns > room - 1 && cells.length > 0) columns -= columnsOf(cells.pop() ?? "");
  return room < 1 ? { cells, columns } : { cells: [...cells, "…"], columns: columns + 1 };
}

function* forwards(text: string): Generator<string> {
  for (const { segment } of graphemes.segment(text)) yield segment;
}

function* backwards(text: string): Generator<string> {
  const segments = graphemes.segment(text);
  for (let end = text.length; end > 0;) {
    const grapheme = segments.containing(end - 1);
    if (grapheme === undefined) return;
    yield grapheme.segment;
    end = grapheme.index;
  }
}
