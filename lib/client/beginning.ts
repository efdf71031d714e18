/**
 * From a channel that is logged in to a life in a first room, whose first event is there. An open
 * room is joined before anything else; into a sealed one leads only what it takes its keys from.
 *
 * @module
 */

import type { SecureChannel } from "../protocol/channel.ts";
import { LOBBY } from "../rooms/open_room.ts";
import { formatAddress } from "./address.ts";
import { joinRoom, type LoggedIn } from "./enter.ts";
import { EventQueue } from "./event_queue.ts";
import type { ReadyEvent } from "./events.ts";
import { checkHistoryCount } from "./history.ts";
import { Ignored } from "./ignored.ts";
import { Lifetime } from "./lifetime.ts";
import { Link } from "./link.ts";
import type { Entrance } from "./options.ts";
import type { FirstRoom } from "./sealed/sealed_rooms.ts";
import { TIMING } from "./timing.ts";
import { Traffic } from "./traffic.ts";

/** What begins. */
export interface Beginning {
  traffic: Traffic;
  events: EventQueue;
  lifetime: Lifetime;
}

/** What there is before the life. */
interface Prepared extends Omit<Beginning, "lifetime"> {
  link: Link;
  /** The first event. Nobody has read it before the connection is given to its owner. */
  ready: ReadyEvent;
}

/**
 * Begins. The channel is closed if that fails.
 *
 * @throws {CallerError} `count-invalid`, and what {@linkcode joinRoom} throws.
 * @throws {EnvironmentError} if a sealed room cannot be entered.
 */
export async function begin(loggedIn: LoggedIn, entrance: Entrance): Promise<Beginning> {
  const { room = LOBBY, history = 0, login, reconnectForMs = Infinity } = entrance;
  const { link, ready, ...parts } = await prepare(loggedIn, { ...entrance, room, history });
  const timing = { ...TIMING, ...entrance.timing };
  const lifetime = new Lifetime(link, { ...parts, login, reconnectForMs, timing });
  if (ready.kind === "open") return { ...parts, lifetime };
  try {
    const { peer } = await parts.traffic.sealed.enter(room, history);
    if (peer !== undefined) ready.peer = peer;
    return { ...parts, lifetime };
  } catch (error) {
    lifetime.abandon();
    throw error;
  }
}

async function prepare(
  { channel, ...identity }: LoggedIn,
  entrance: Entrance & FirstRoom,
): Promise<Prepared> {
  try {
    return await joinFirst(channel, identity, entrance);
  } catch (error) {
    await channel.close();
    throw error;
  }
}

async function joinFirst(
  channel: SecureChannel,
  identity: Omit<LoggedIn, "channel">,
  entrance: Entrance & FirstRoom,
): Promise<Prepared> {
  const { server, room, history } = entrance;
  const { user } = identity;
  const timing = { ...TIMING, ...entrance.timing };
  checkHistoryCount(history, 0);
  const joined = await joinRoom(channel, room, timing);
  const events = new EventQueue(new Ignored(user));
  const traffic = new Traffic(identity, events, entrance);
  const kind = joined === undefined ? "sealed" : "open";
  const ready: ReadyEvent = { type: "ready", user, room, server: formatAddress(server), kind };
  events.push(ready);
  if (joined !== undefined) traffic.rooms.begin(joined).history.beginWith(history);
  return { traffic, events, ready, link: new Link(channel, timing) };
}
