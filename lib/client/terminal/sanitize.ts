/**
 * The one sanitizer between text that others wrote and a terminal.
 *
 * A terminal obeys what it prints: escape sequences move the cursor, retitle the window or answer
 * as if typed; bidi controls (Unicode UAX #9) make text read otherwise than it is stored
 * ("Trojan Source", CVE-2021-42574); invisible characters hide text or tell equal names apart.
 * Here all of that turns into visible, harmless text; what people write stays as it is.
 *
 * @module
 */

/**
 * Marks drawn over what precedes them, taking no column: what "zalgo" text piles up. Not those that
 * are shown as their number below, also where one is unassigned among the Hangul vowels.
 */
const STACKING = String.raw`[[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]--[\p{C}\p{DI}]]`;

/** A mark, with the joiner that may be honest behind it: a pile goes on over joiners. */
const PILED = String.raw`(?:${STACKING}[\u200c\u200d]?)`;

/** Four per base: real scripts need three (pointed Hebrew) or four (Tibetan); more is a prank. */
const TOO_MANY_MARKS = new RegExp(`(${PILED}{4})${PILED}+`, "gv");

/** A mark with nothing before it would be drawn over whatever we printed earlier. */
const MARK_WITHOUT_BASE = new RegExp(String.raw`(^|\n)(?=${STACKING})`, "gv");

const EMOJI = String.raw`[\p{Emoji}--\p{ASCII}]`;

/** Letters and marks of the scripts whose spelling uses the zero-width joiner or non-joiner. */
const JOINING = String.raw`[[[\p{L}\p{M}]&&[${
  ["Arab", "Syrc", "Deva", "Beng", "Guru", "Gujr", "Orya", "Taml", "Telu", "Knda", "Mlym", "Sinh"]
    .map((script) => String.raw`\p{Script=${script}}`).join("")
}]]--\p{DI}]`;

/**
 * Invisible characters that do honest work just here: the joiner and the presentation selectors
 * inside emoji, ideographic variants (Japanese names), and (non-)joiners between letters that need
 * them (Persian, Indic scripts). Anywhere else they could only deceive, and are shown.
 */
const HONEST_INVISIBLE = [
  String.raw`(?<=${EMOJI}\ufe0f?)\u200d(?=${EMOJI})`,
  String.raw`(?<=${EMOJI})[\ufe0e\ufe0f]`,
  String.raw`(?<=[0-9#*])\ufe0f(?=\u20e3)`,
  String.raw`(?<=\p{Ideographic})[\u{e0100}-\u{e01ef}]`,
  String.raw`(?<=${JOINING})[\u200c\u200d](?=${JOINING})`,
  // Arabic signs that are of category Cf, but visible
  String.raw`[\u0600-\u0605\u06dd\u0890\u0891\u08e2]`,
].join("|");

/**
 * Category C is controls (Cc), format characters such as bidi controls, tags and interlinear
 * annotations (Cf), lone surrogates (Cs), private use (Co) and noncharacters (Cn); DI is whatever
 * is invisible by default; Zl and Zp are the line and paragraph separators.
 */
const SPECIAL = new RegExp(
  String.raw`(?<honest>${HONEST_INVISIBLE})|\r\n|[\p{C}\p{DI}\p{Zl}\p{Zp}]`,
  "gv",
);

const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Turns text into what is safe to write to a terminal, on one line: no control character,
 * nothing that reorders, hides or overprints. Tabs become spaces, controls their pictures (␛) or
 * `\u{202e}`, and marks piled too high are dropped. Sanitizing twice changes nothing more.
 *
 * @param text anything, also ill-formed UTF-16
 * @returns well-formed text, at most eight times as long
 *
 * @example
 * ```ts
 * import { sanitizeText } from "./sanitize.ts";
 * console.assert(sanitizeText("\x1b[2Jhi\n") === "␛[2Jhi ⏎ ");
 * ```
 */
export function sanitizeText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .replaceAll(MARK_WITHOUT_BASE, "$1◌")
    .replaceAll(TOO_MANY_MARKS, "$1")
    .replaceAll(SPECIAL, (found, honest: string | undefined) => honest ?? visible(found));
}

function visible(found: string): string {
  if (found === "\n" || found === "\r\n") return " ⏎ ";
  if (found === "\t") return " ";
  const code = found.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code); // Control Pictures
  return code === 0x7f ? "␡" : `\\u{${code.toString(16)}}`;
}
