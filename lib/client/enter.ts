/**
 * The way in: reach the server, log in, and join the first room. The first two also after each
 * outage.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { Address } from "./address.ts";
import { dial } from "./dial.ts";
import { receive, send, skipTo } from "./exchange.ts";
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
 * Joins the first room. Out of a sealed one it is again at once: that is joined with its keys, when
 * there is a connection to ask for them.
 *
 * @throws {EnvironmentError} `room-unknown`.
 * @throws {ConnectError} if the connection ends.
 * @throws {PeerError} if the other side breaks the protocol.
 */
export async function joinRoom(
  channel: SecureChannel,
  room: string,
  { answerMs }: Pick<Timing, "answerMs">,
): Promise<MessageOf<ServerMessage, "joined">> {
  send(channel, { type: "join", room });
  const [joined] = await receive(channel, "joined", answerMs);
  if (joined.kind === "sealed") {
    send(channel, { type: "leave", room });
    await skipTo(channel, "left", answerMs);
  }
  if (joined.room === room) return joined;
  throw new PeerError("room-inconsistent", "The server let us into a room that we did not ask for");
}
