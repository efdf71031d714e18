/**
 * Remarks in lines that break between words.
 *
 * @module
 */

import { columnsOf } from "./width.ts";

/**
 * The lines of a sanitized text, each at most so many columns wide and all but the first after an
 * indent. A text with a word of more than half a line stays whole, for the terminal to break: what
 * is that long (a link, a log's head) is copied from the screen, or has no blanks between words.
 *
 * @example
 * ```ts
 * import { wrapWords } from "./wrap.ts";
 * console.assert(wrapWords("one two three", 9, "  ").join("|") === "one two|  three");
 * ```
 */
export function wrapWords(text: string, columns: number, indent: string): string[] {
  if (columnsOf(text) <= columns) return [text];
  const [first = "", ...words] = text.split(" ");
  if ([first, ...words].some((word) => columnsOf(word) > columns / 2)) return [text];
  const lines: string[] = [];
  let line = first;
  for (const word of words) {
    const longer = `${line} ${word}`;
    if (columnsOf(longer) <= columns) {
      line = longer;
    } else {
      lines.push(line.trimEnd());
      line = indent + word;
    }
  }
  return [...lines, line];
}
