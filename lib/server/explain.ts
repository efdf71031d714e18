/**
 * What a peer may know of an error: nothing of our insides.
 *
 * @module
 */

import { BugError, CallerError, describeError, FernchatError, PeerError } from "../errors.ts";

/** Why an operator's decision, and no fault, ends a connection: for its peer to read. */
export class Dismissal extends FernchatError {}

/** What a peer may know of why the server could not: whether to wait, or to tell who runs it. */
const OBSTACLES: Readonly<Record<string, string>> = {
  "database-locked": "The server could not store it: its database is busy; try again",
  "disk-full": "The server could not store it: its disk is full; tell who runs it",
  "log-overloaded": "The server could not store it: too much waits; try again later",
};

/** A code and a sentence for `error` and `bye`. */
export interface Explanation {
  code: string;
  message: string;
}

/** See the module's description. */
export function explain(error: unknown): Explanation {
  if (error instanceof PeerError || error instanceof Dismissal) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof FernchatError && !(error instanceof BugError)) {
    return {
      code: "server-failed",
      message: OBSTACLES[error.code] ?? "The server could not do it",
    };
  }
  return { code: "server-failed", message: "The server failed" };
}

/** Reasons why what was asked for cannot be, which are for who asked. */
const TELLABLE = [
  "name-unknown",
  "not-banned",
  "not-in-room",
  "not-operator",
  "not-muted",
  "room-sealed",
  "room-taken",
  "room-unknown",
  "target-operator",
  "target-self",
];

/** Of them, those whose hint is a command of the server's console: of no use in the chat. */
const HINTED_FOR_CONSOLE = ["name-unknown", "room-unknown"];

/** The same for a request that was refused: its reason, unless it is of our insides. */
export function explainRefusal(error: unknown): Explanation {
  const isTheirs = error instanceof CallerError ||
    error instanceof FernchatError && TELLABLE.includes(error.code);
  if (!isTheirs) return explain(error);
  const { code, message } = error;
  return { code, message: HINTED_FOR_CONSOLE.includes(code) ? message : describeError(error) };
}
