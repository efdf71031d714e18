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

/** JSON that means the same, with the characters that match written as `\uXXXX`. */
export function escapeMatches(json: string, pattern: RegExp): string {
  return json.replaceAll(pattern, escapeUnits);
}

function escapeUnits(character: string): string {
  return character.split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
