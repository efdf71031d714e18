/**
 * JSON for the lines of both programs: on stdout for scripts, in the server's log.
 *
 * @module
 */

/**
 * A value as one line of JSON. Control and format characters (bidi among them), invisible and
 * unassigned ones are written as `\uXXXX`, which means the same to every parser and nothing to a
 * terminal.
 */
export function formatJson(value: unknown): string {
  return escapeMatches(JSON.stringify(value), /[\p{C}\p{DI}\p{Zl}\p{Zp}]/gu);
}

/** UTF-16 units of somebody's words that a message repeats. */
const MAX_QUOTED = 40;

/**
 * Somebody's words inside a message: short, in quotation marks, and plain ASCII, so that nothing
 * looks like something else.
 */
export function quoteText(text: string): string {
  const shown = text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED)}...`;
  return escapeMatches(JSON.stringify(shown), /[^\x20-\x7e]/gu);
}

/** JSON that means the same, with the characters that match written as `\uXXXX`. */
export function escapeMatches(json: string, pattern: RegExp): string {
  return json.replaceAll(pattern, escapeUnits);
}

function escapeUnits(character: string): string {
  return character.split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
