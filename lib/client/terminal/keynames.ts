/**
 * What the byte sequences of special keys are called (xterm's "ctlseqs" and its relatives).
 *
 * @module
 */

/** Control bytes that have a key of their own. */
const CONTROL_KEYS = new Map([
  [0x08, "backspace"],
  [0x09, "tab"],
  [0x0a, "enter"],
  [0x0d, "enter"],
  [0x7f, "backspace"],
]);

/** By the final byte of `ESC [ … x` and `ESC O x`. */
const KEYS_BY_LETTER = new Map([
  ["A", "up"],
  ["B", "down"],
  ["C", "right"],
  ["D", "left"],
  ["F", "end"],
  ["H", "home"],
  ["M", "enter"],
]);

/** By the number of `ESC [ n ~`; some terminals say 7 and 8 for Home and End. */
const KEYS_BY_NUMBER = new Map([
  ["1", "home"],
  ["3", "delete"],
  ["4", "end"],
  ["5", "page-up"],
  ["6", "page-down"],
  ["7", "home"],
  ["8", "end"],
  ["200", "paste-start"],
  ["201", "paste-end"],
]);

/** The key of a control byte: "enter" and the like, or "ctrl-" and its letter. */
export function controlKey(byte: number): string {
  const own = CONTROL_KEYS.get(byte);
  if (own !== undefined) return own;
  return byte === 0 ? "ctrl-space" : `ctrl-${String.fromCharCode(byte + 0x40).toLowerCase()}`;
}

/**
 * The key of `ESC [ parameters final` or `ESC O final`.
 *
 * @returns its name, "paste-start" and "paste-end" included; `undefined` for any that we don't know
 */
export function sequenceKey(parameters: string, final: string): string | undefined {
  const [number = "", modifier = ""] = parameters.split(";");
  const name = final === "~" ? KEYS_BY_NUMBER.get(number) : KEYS_BY_LETTER.get(final);
  return name === undefined ? undefined : modifierPrefix(modifier) + name;
}

/** xterm's modifier parameter is 1 + Shift 1 + Alt 2 + Ctrl 4; Shift makes no difference here. */
function modifierPrefix(parameter: string): string {
  const bits = (Number(parameter) || 1) - 1;
  return (bits & 4 ? "ctrl-" : "") + (bits & 2 ? "alt-" : "");
}
