/**
 * How many terminal columns a text takes.
 *
 * @module
 */

import stringWidth from "string-width";

/**
 * The display columns of sanitized text: two for East Asian wide characters (UAX #11) and emoji,
 * none for combining marks, counted by grapheme cluster (UAX #29).
 *
 * Terminals disagree about some emoji, so use it to choose what to show, never to place the cursor.
 *
 * @example
 * ```ts
 * import { columnsOf } from "./width.ts";
 * console.assert(columnsOf("hi 你好") === 7);
 * ```
 */
export function columnsOf(text: string): number {
  return stringWidth(text, { countAnsiEscapeCodes: true });
}
