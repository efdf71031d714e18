/**
 * Numbers as people type them, in flags and commands.
 *
 * @module
 */

import { CallerError } from "../errors.ts";

/** The smallest and the largest that is taken. */
export interface Bounds {
  least: number;
  most: number;
}

/**
 * Reads a whole number.
 *
 * @param what a flag or a command, for the message.
 * @throws {CallerError} `number-invalid`.
 */
export function parseWholeNumber(what: string, text: string, { least, most }: Bounds): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw new CallerError("number-invalid", `Not a number for ${what}: ${JSON.stringify(text)}`, {
    hint: `use a whole number from ${least} to ${most}`,
  });
}
