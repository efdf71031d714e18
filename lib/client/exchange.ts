/**
 * Question and answer on a channel, before its messages become a stream: what comes has to be of
 * one type, and in time.
 *
 * @module
 */

import {
  ConnectError,
  EnvironmentError,
  type FernchatError,
  LoginError,
  PeerError,
} from "../errors.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import {
  type ClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  type MessageOf,
  type ServerMessage,
} from "../protocol/messages.ts";
import { goodbyeError, isFinal } from "./endings.ts";
import { TIMING } from "./timing.ts";

/** A message with its bytes, as they join the transcript. */
export type Received<T extends ServerMessage["type"]> = [MessageOf<ServerMessage, T>, Uint8Array];

/** A server's `error` or `bye`. */
type Refusal = MessageOf<ServerMessage, "error" | "bye">;

/** Sends a message and returns its bytes, for the transcript. */
export function send(channel: SecureChannel, message: ClientMessage): Uint8Array {
  const encoded = encodeClientMessage(message);
  channel.send(encoded);
  return encoded;
}

/**
 * The next message, which has to be of one type.
 *
 * @throws {ConnectError} if the connection ends, the server does not answer, or says why not.
 * @throws {EnvironmentError} `room-unknown`, `room-sealed`.
 * @throws {LoginError} `banned`, `account-removed`.
 * @throws {PeerError} if the answer is none.
 */
export function receive<T extends ServerMessage["type"]>(
  channel: SecureChannel,
  type: T,
  answerMs?: number,
): Promise<Received<T>> {
  return receiveOr(channel, type, refusal, answerMs);
}

/**
 * The same while nobody has proved to be the server: anyone in the middle can have written a
 * sentence there, so none is shown (PROTOCOL.md section 11).
 *
 * @throws {LoginError} `login-throttled`.
 */
export function receiveUnproven<T extends ServerMessage["type"]>(
  channel: SecureChannel,
  type: T,
  answerMs?: number,
): Promise<Received<T>> {
  return receiveOr(channel, type, unprovenRefusal, answerMs);
}

async function receiveOr<T extends ServerMessage["type"]>(
  channel: SecureChannel,
  type: T,
  explain: (message: Refusal) => FernchatError,
  answerMs: number = TIMING.answerMs,
): Promise<Received<T>> {
  const encoded = await receiveBytes(channel, answerMs);
  const message = decodeServerMessage(encoded);
  if (message.type === type) return [message as MessageOf<ServerMessage, T>, encoded];
  if (message.type === "bye" || message.type === "error") throw explain(message);
  throw new PeerError("message-unexpected", `Not the time for a message ${message.type}`);
}

async function receiveBytes(channel: SecureChannel, answerMs: number): Promise<Uint8Array> {
  const late = new ConnectError("cannot-connect", "The server did not answer in time", {
    hint: "try again later",
  });
  const deadline = setTimeout(() => channel.abort(late), answerMs);
  try {
    const encoded = await channel.receive();
    if (encoded !== null) return encoded;
  } catch (cause) {
    if (!(cause instanceof PeerError) || !/cut|truncated/.test(cause.code)) throw cause;
    throw new ConnectError("connection-cut", "The connection was cut", {
      cause,
      hint: "try again",
    });
  } finally {
    clearTimeout(deadline);
  }
  throw new ConnectError("connection-closed", "The server closed the connection", {
    hint: "try again",
  });
}

function refusal(refusal: Refusal): FernchatError {
  const { type, code, message } = refusal;
  if (type === "bye" && isFinal(code)) return goodbyeError(refusal);
  if (code === "room-unknown") {
    return new EnvironmentError(code, message, { hint: "check --room" });
  }
  if (code === "room-sealed") return new EnvironmentError(code, message);
  return new ConnectError(code, `The server says: ${message}`);
}

function unprovenRefusal({ code }: Refusal): FernchatError {
  switch (code) {
    case "login-throttled":
      return new LoginError(code, "Too many attempts to log in", {
        hint: "wait a minute, then try again",
      });
    case "server-stopping":
      return new ConnectError(code, "The server is stopping", { hint: "try again later" });
    case "server-failed":
      return new ConnectError(code, "The server failed", { hint: "tell who runs it" });
    default:
      return new ConnectError(code, "The server ended the login", {
        hint: "check the address, and that client and server are of one version",
      });
  }
}
