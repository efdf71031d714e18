/**
 * Durations as people write and read them: `30s`, `10m`, `2h`, `7d`, `2w`, and "2 hours".
 *
 * @module
 */

import { CallerError } from "./errors.ts";
import { MAX_DURATION_SECONDS } from "./protocol/limits.ts";

const UNITS = [
  { letter: "w", name: "week", seconds: 7 * 24 * 60 * 60 },
  { letter: "d", name: "day", seconds: 24 * 60 * 60 },
  { letter: "h", name: "hour", seconds: 60 * 60 },
  { letter: "m", name: "minute", seconds: 60 },
  { letter: "s", name: "second", seconds: 1 },
] as const;

/** Units that {@linkcode formatDuration} names at most: nobody plans a ban's seconds. */
const MAX_UNITS_SHOWN = 2;

/**
 * Whether a word is meant as a duration, perhaps a malformed one: it begins with a digit. What
 * ends by itself where nobody wanted it is better than what never ends because of a typing error.
 */
export function meansDuration(word: string): boolean {
  return /^[0-9]/.test(word);
}

/**
 * Reads a duration: a number and one of the letters s, m, h, d and w.
 *
 * @returns seconds, from 1 to {@linkcode MAX_DURATION_SECONDS}.
 * @throws {CallerError} `duration-invalid`.
 *
 * @example
 * ```ts
 * import { parseDuration } from "./durations.ts";
 * console.assert(parseDuration("2h") === 7_200);
 * ```
 */
export function parseDuration(text: string): number {
  const [, digits, letter] = /^([0-9]{1,9})([smhdw])$/.exec(text) ?? [];
  const unit = UNITS.find((one) => one.letter === letter);
  const seconds = Number(digits) * (unit?.seconds ?? NaN);
  if (seconds >= 1 && seconds <= MAX_DURATION_SECONDS) return seconds;
  throw new CallerError(
    "duration-invalid",
    `Not a duration: ${JSON.stringify(text.slice(0, 40))}`,
    {
      hint: "write it as 30s, 10m, 2h, 7d or 2w; ten years are the longest",
    },
  );
}

/**
 * A duration for people, in its two largest units; what is smaller is dropped.
 *
 * @param seconds from 0; a fraction is dropped.
 *
 * @example
 * ```ts
 * import { formatDuration } from "./durations.ts";
 * console.assert(formatDuration(7_260) === "2 hours 1 minute");
 * ```
 */
export function formatDuration(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.floor(seconds);
  for (const unit of UNITS) {
    const count = Math.floor(rest / unit.seconds);
    if (count > 0 && parts.length < MAX_UNITS_SHOWN) {
      parts.push(`${count} ${unit.name}${count === 1 ? "" : "s"}`);
    }
    rest -= count * unit.seconds;
  }
  return parts.join(" ") || "0 seconds";
}
