/**
 * How everything of this folder fails: what the MLS library throws never leaves it, save as a cause.
 *
 * @module
 */

import { FernchatError, PeerError } from "../errors.ts";

/** Bytes that are not what they should be: cut, altered, forged, or of another group or epoch. */
export function invalid(message: string, cause?: unknown): PeerError {
  return new PeerError("mls-invalid", message, cause === undefined ? {} : { cause });
}

/** Genuine, but against the rules that every member checks. */
export function refused(message: string): PeerError {
  return new PeerError("mls-refused", message);
}

/** Runs a step of the library: whatever it throws becomes `mls-invalid` with this sentence. */
export async function orInvalid<T>(message: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    throw cause instanceof FernchatError ? cause : invalid(message, cause);
  }
}

/** The same for a step that does not wait. */
export function orInvalidNow<T>(message: string, step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw cause instanceof FernchatError ? cause : invalid(message, cause);
  }
}
