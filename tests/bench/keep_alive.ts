/**
 * What a raw member of a bench owes the server.
 *
 * @module
 */

import { send } from "../../lib/client/exchange.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";

/** Milliseconds between two pings (PROTOCOL.md section 7.8). */
const PING_MS = 15_000;

/** Sends `ping` in time, as long as the process lives. */
export function keepAlive(channel: SecureChannel): void {
  Deno.unrefTimer(setInterval(() => send(channel, { type: "ping" }), PING_MS));
}
