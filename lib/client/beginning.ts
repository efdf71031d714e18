/**
 * From a channel that is logged in to traffic that can flow: the first room is joined, if that can
 * be done without a sealed room's keys, and the first event is there.
 *
 * @module
 */

import { LOBBY } from "../rooms/open_room.ts";
import { formatAddress } from "./address.ts";
import { joinRoom, type LoggedIn } from "./enter.ts";
import { EventQueue } from "./event_queue.ts";
import type { ReadyEvent } from "./events.ts";
import { checkHistoryCount } from "./history.ts";
import { Ignored } from "./ignored.ts";
import { Link } from "./link.ts";
import type { Entrance } from "./options.ts";
import { TIMING } from "./timing.ts";
import { Traffic } from "./traffic.ts";

/** What a connection begins with. */
export interface Beginning {
  traffic: Traffic;
  events: EventQueue;
  link: Link;
  /** The first event. Nobody has read it before the connection is given to its owner. */
  ready: ReadyEvent;
  /** Whether it is in its first room; into a sealed one it comes by {@linkcode Traffic.sealed}. */
  isIn: boolean;
}

/**
 * Begins. The channel is closed if that fails.
 *
 * @throws {CallerError} `count-invalid`, and what {@linkcode joinRoom} throws.
 */
export async function beginTraffic(
  { channel, ...identity }: LoggedIn,
  entrance: Entrance,
): Promise<Beginning> {
  const { server, room = LOBBY, history = 0 } = entrance;
  const timing = { ...TIMING, ...entrance.timing };
  try {
    checkHistoryCount(history, 0);
    const joined = await joinRoom(channel, room, timing);
    const { user } = identity;
    const events = new EventQueue(new Ignored(user));
    const traffic = new Traffic(identity, events, { ...entrance, room, history });
    const isIn = joined !== undefined;
    const kind = isIn ? "open" : "sealed";
    const ready: ReadyEvent = {
      ...{ type: "ready", user, room, server: formatAddress(server), kind },
    };
    events.push(ready);
    if (isIn) traffic.rooms.begin(joined).history.beginWith(history);
    return { traffic, events, ready, link: new Link(channel, timing), isIn };
  } catch (error) {
    await channel.close();
    throw error;
  }
}
