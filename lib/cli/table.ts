/**
 * Tables for people: as wide as their content, where possible no wider than a plain terminal.
 *
 * @module
 */

import { sanitizeText } from "../client/terminal/sanitize.ts";
import { columnsOf } from "../client/terminal/width.ts";

/** A column of a table. */
export interface Column {
  title: string;
  /** Terminal columns at most: what is longer goes on below. The last column has what is left. */
  max?: number;
}

const WIDTH = 80;
const GAP = "  ";

/** Terminal columns that the last column has at least. */
const MIN_LAST = 16;

/**
 * The lines of a table, at most 80 columns wide if its columns' `max` allow that. Cells may be any
 * text: they are sanitized, and wrapped between words, or inside of words that are longer than
 * their column.
 */
export function formatTable(columns: readonly Column[], rows: readonly string[][]): string[] {
  const cells = rows.map((row) => row.map((cell) => sanitizeText(cell)));
  const widths = measure(columns, cells);
  return [columns.map(({ title }) => title), ...cells].flatMap((row) => formatRow(row, widths));
}

function measure(columns: readonly Column[], rows: readonly string[][]): number[] {
  const widths = columns.map(({ title, max = Infinity }, at) =>
    Math.min(max, Math.max(...[title, ...rows.map((row) => row[at] ?? "")].map(columnsOf)))
  );
  const others = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  return [
    ...widths.slice(0, -1),
    Math.min(widths.at(-1) ?? 0, Math.max(MIN_LAST, WIDTH - others)),
  ];
}

function formatRow(row: readonly string[], widths: readonly number[]): string[] {
  const wrapped = widths.map((width, at) => wrap(row[at] ?? "", width));
  const height = Math.max(...wrapped.map((lines) => lines.length));
  return Array.from(
    { length: height },
    (_, line) =>
      wrapped.map((lines, at) => pad(lines[line] ?? "", widths[at] ?? 0)).join(GAP).trimEnd(),
  );
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - columnsOf(text)));
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.trimEnd().split(" ").flatMap((one) => pieces(one, width))) {
    const longer = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (columnsOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const graphemes = new Intl.Segmenter();

/** A word in pieces that fit. */
function pieces(word: string, width: number): string[] {
  if (columnsOf(word) <= width) return [word];
  const found = [""];
  for (const { segment } of graphemes.segment(word)) {
    const longer = `${found.at(-1)}${segment}`;
    if (columnsOf(longer) <= width) found[found.length - 1] = longer;
    else found.push(segment);
  }
  return found;
}
