/**
 * Why a connection ends or does not come about, and whether it is worth trying again.
 *
 * @module
 */

import { EnvironmentError, LoginError, PeerError } from "../errors.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";

/** What the network can do to bytes, and what silence is: none of it is the server's last word. */
const PASSING_FAULTS: ReadonlySet<string> = new Set(
  [
    "connection-cut",
    "deadline-missed",
    "frame-too-large",
    "frame-truncated",
    "record-invalid",
    "too-slow",
  ] satisfies PeerError["code"][],
);

/** States of a server, or of the way to it, that change. */
const PASSING_STATES: ReadonlySet<string> = new Set([
  "cannot-connect",
  "connection-closed",
  "connection-cut",
  "deadline-missed",
  "login-throttled",
  "not-fernchat",
  "server-closed",
  "server-failed",
  "server-stopping",
  "too-slow",
]);

/** The account is not wanted any more: the next login would be refused as well. */
const SHUT_OUT: ReadonlySet<string> = new Set(["account-removed", "banned"]);

/**
 * Whether it can be otherwise in a moment. What the server said about this client cannot, nor can a
 * refused login, nor what a server does wrong in records that are its own; and a login that someone
 * relayed must not be tried again without a person's will (PROTOCOL.md section 7.3).
 */
export function mayPass(error: unknown): boolean {
  if (error instanceof PeerError) return PASSING_FAULTS.has(error.code);
  const isState = error instanceof EnvironmentError || error instanceof LoginError;
  return isState && PASSING_STATES.has(error.code);
}

/** Whether a good-bye says that this account may not be here, or not as it came. */
export function isFinal(code: string): boolean {
  return SHUT_OUT.has(code) || code === "kicked";
}

/**
 * The server's last word, as an error: a `LoginError` where another login would be refused too, so
 * that the program ends as one does that was not let in.
 */
export function goodbyeError(
  { code, message }: MessageOf<ServerMessage, "bye">,
): EnvironmentError | LoginError {
  return SHUT_OUT.has(code) ? new LoginError(code, message) : new EnvironmentError(code, message);
}
