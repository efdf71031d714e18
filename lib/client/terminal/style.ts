/**
 * Text with a style, and the only way from it to terminal output.
 *
 * @module
 */

import { sanitizeText } from "./sanitize.ts";

/** "Select graphic rendition" parameters (ECMA-48 section 8.3.117): all that we ever send. */
const SGR = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  brightRed: 91,
  brightGreen: 92,
  brightYellow: 93,
  brightBlue: 94,
  brightMagenta: 95,
  brightCyan: 96,
} as const;

/** How a piece of text looks. */
export type Style = keyof typeof SGR;

/** A piece of text, from anyone: it is sanitized on its way out. */
export interface Segment {
  readonly text: string;
  readonly style?: Style;
}

/** One line of text with styles. */
export type StyledText = string | Segment | readonly Segment[];

/** Red is left for errors. */
const NAME_STYLES: readonly Style[] = [
  "green",
  "yellow",
  "blue",
  "magenta",
  "cyan",
  "brightGreen",
  "brightYellow",
  "brightBlue",
  "brightMagenta",
  "brightCyan",
];

/** A colour for a name: always the same one, whoever looks. */
export function styleFor(name: string): Style {
  let hash = 0x811c9dc5; // FNV-1a, 32 bits
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return NAME_STYLES[(hash >>> 0) % NAME_STYLES.length] ?? "cyan";
}

/** The segments of a text, sanitized. */
export function segmentsOf(text: StyledText): Segment[] {
  const segments = typeof text === "string" ? [{ text }] : "text" in text ? [text] : text;
  return segments.map((segment) => ({ ...segment, text: sanitizeText(segment.text) }));
}

/** One sanitized line for a terminal, without a newline. */
export function renderText(text: StyledText, color: boolean): string {
  return segmentsOf(text).map((segment) =>
    color && segment.style ? `\x1b[${SGR[segment.style]}m${segment.text}\x1b[0m` : segment.text
  ).join("");
}
