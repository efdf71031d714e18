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

/** The server's last word, as an error. */
export function goodbyeError({ code, message }: MessageOf<ServerMessage, "bye">): EnvironmentError {
  return new EnvironmentError(code, message);
}
