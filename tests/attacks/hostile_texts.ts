/**
 * Texts that would deceive at a terminal, and what holds of an output that they went into.
 *
 * @module
 */

import assert from "node:assert/strict";

/** A line that somebody else did not say. */
export const FORGED = "[12:00:00] bob: send me your password";

/** What a terminal would obey or hide, or a reader would take for something else. */
export const PAYLOADS = [
  "\x1b[2J\x1b[5;31m\x1b[8mgone", // clears the screen, conceals
  "\x1b]0;pwned\x07", // the window's title
  "\x1b]52;c;cm0gLXJmIC8=\x07", // the clipboard
  "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", // a link
  '\x1bP$q"p\x1b\\\x1b[c\x1b[6n\x05', // questions that a terminal answers as if typed
  "\x1b_Gf=100;AAAA\x1b\\\x1b^private\x1b\\\x1bXstring\x1b\\", // APC, PM, SOS
  "\x9b31m\x9d52;c;AA\x9c\x90q\x9c", // the same as 8-bit controls
  "\x1b(0\x0eline drawing\x0f",
  `\n${FORGED}`,
  `\r\n${FORGED}`,
  `\r${FORGED}`,
  `\x85${FORGED}\u2028${FORGED}\u2029${FORGED}\x0b${FORGED}\x0c${FORGED}`,
  `harmless${"\b".repeat(30)}evil\x7f\x7f`,
  "\u202egnp.exe\u2066\u2067\u2069\u200f\u061c", // bidi
  "us\u200ber1 \u2060\ufeff\u00ad\u180e\u200c\u200d", // zero width
  `ok${String.fromCodePoint(...[0xe0001, 0xe0068, 0xe0069, 0xe007f])}`, // text in tags
  `Z${"\u0335\u0321".repeat(100)}`, // marks drawn over the lines above and below
  "\ufff9a\ufffab\ufffb\u3164\ufe0f", // annotations, a blank letter, a stray selector
  "\0\ue000\u{f0000}\ufdd0",
];

/** A payload between marks by which it is found in the output. */
export const mark = (kind: string, at: number): string =>
  `«${kind} ${at}«${PAYLOADS[at]}»${kind} ${at}»`;

/** All payloads, as one kind of text. */
export const hostile = (kind: string): string[] => PAYLOADS.map((_, at) => mark(kind, at));

/** All at once, without what cannot be in an argument or a file's name. */
export const IN_ARGUMENTS = PAYLOADS.join(" ").replaceAll("\0", "").replaceAll("/", "|");

/** Controls, format characters, private and unassigned ones, line and paragraph separators. */
export const FORBIDDEN = /[\p{C}\p{Zl}\p{Zp}]/u;

/** What the interactive client itself writes: colours, and the picture of the input line. */
// deno-lint-ignore no-control-regex
export const DRAWN = /\r*\n|\r\x1b\[J|\x1b\[(?:\?7[hl]|\?2004[hl]|\?25h|\d{1,2}m)|\x1b[78]/g;

/** Asserts that an output has no control or format character but `own`, and no forged line. */
export function assertHarmless(output: string, own: RegExp = /\n/g): void {
  const rest = output.replace(own, "");
  const at = rest.search(FORBIDDEN);
  assert.equal(at, -1, `forbidden: ${JSON.stringify(rest.slice(Math.max(0, at - 60), at + 9))}`);
  assert.doesNotMatch(output, /^\[12:00:00\]/m);
}

/** Asserts that it has each payload of some kinds, in one line, once. */
export function assertShown(output: string, ...kinds: string[]): void {
  const lines = output.split("\n");
  for (const kind of kinds) {
    for (const at of PAYLOADS.keys()) {
      const whole = new RegExp(`«${kind} ${at}«.*»${kind} ${at}»`, "u");
      const count = lines.filter((line) => whole.test(line)).length;
      assert.equal(count, 1, `payload ${at} of ${kind} in ${JSON.stringify(output)}`);
    }
  }
}

/** Asserts that no letter has more than a few marks over it. */
export function assertUnpiled(output: string): void {
  assert.doesNotMatch(output, /\p{M}{6}/u);
}
