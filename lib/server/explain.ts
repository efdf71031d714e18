/**
 * What a peer may know of an error: nothing of our insides.
 *
 * @module
 */

import { BugError, FernchatError, PeerError } from "../errors.ts";

/** A code and a sentence for `error` and `bye`. */
export interface Explanation {
  code: string;
  message: string;
}

/** See the module's description. */
export function explain(error: unknown): Explanation {
  if (error instanceof PeerError) return { code: error.code, message: error.message };
  if (error instanceof FernchatError && !(error instanceof BugError)) {
    return { code: "server-failed", message: "The server could not store it" };
  }
  return { code: "server-failed", message: "The server failed" };
}
