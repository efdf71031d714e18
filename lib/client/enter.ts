/**
 * The way in: reach the server, log in, and join the first room. The first two also after each
 * outage.
 *
 * @module
 */

import { EnvironmentError, PeerError } from "../errors.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { Address } from "./address.ts";
import { dial } from "./dial.ts";
import { receive, send } from "./exchange.ts";
import { type Credentials, login, type Welcomed } from "./login.ts";
import type { Timing } from "./timing.ts";

/** A channel, whose it is, and what opens that account's vault. */
export interface LoggedIn extends Welcomed {
  channel: SecureChannel;
}

/**
 * Connects and logs in.
 *
 * @throws {ConnectError} if there is no server, or the connection ends.
 * @throws {LoginError} if the login fails.
 * @throws {PeerError} if the other side breaks the protocol.
 */
export async function dialAndLogIn(
  address: Address,
  credentials: Credentials,
  { answerMs }: Pick<Timing, "answerMs">,
): Promise<LoggedIn> {
  const channel = await dial(address);
  try {
    return { channel, ...await login(channel, credentials, answerMs) };
  } catch (error) {
    await channel.close();
    throw error;
  }
}

/**
 * Joins the first room.
 *
 * @returns undefined if it is a sealed one: that is joined with its keys, when there is a connection
 * to ask for them.
 * @throws {EnvironmentError} `room-unknown`.
 * @throws {ConnectError} if the connection ends.
 * @throws {PeerError} if the other side breaks the protocol.
 */
export async function joinRoom(
  channel: SecureChannel,
  room: string,
  { answerMs }: Pick<Timing, "answerMs">,
): Promise<MessageOf<ServerMessage, "joined"> | undefined> {
  send(channel, { type: "join", room });
  const joined = await receive(channel, "joined", answerMs)
    .then(([joined]) => joined)
    .catch((error) => {
      if (isSealed(error)) return undefined;
      throw error;
    });
  if (joined === undefined || joined.room === room && joined.kind === "open") return joined;
  throw new PeerError("room-inconsistent", "The server let us into a room that we did not ask for");
}

/** Whether a room was not joined since it is a sealed one. */
export function isSealed(error: unknown): boolean {
  return error instanceof EnvironmentError && error.code === "room-sealed";
}
