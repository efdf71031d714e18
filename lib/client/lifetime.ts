/**
 * A member's life from the first connection to the end of the last one, with the outages between.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import { Outage } from "./backoff.ts";
import { joinRoom, type LogIn } from "./enter.ts";
import type { EventQueue } from "./events.ts";
import { Link } from "./link.ts";
import type { Member } from "./member.ts";
import { reconnect } from "./reconnect.ts";
import type { Timing } from "./timing.ts";

/** What a lifetime works with. */
export interface LifetimeOptions {
  member: Member;
  events: EventQueue;
  /** Logs in again after an outage. */
  logIn: LogIn;
  /** Milliseconds to go on trying after an outage began. */
  reconnectForMs: number;
  timing: Timing;
  /** Ends it. */
  signal: AbortSignal;
}

/** See the module's description. */
export class Lifetime {
  readonly #options: LifetimeOptions;
  #outage: Outage | undefined;

  constructor(options: LifetimeOptions) {
    this.#options = options;
  }

  /**
   * Lives to the end; resolves if the signal ended it.
   *
   * @throws why it ended otherwise.
   */
  async live(first: Link): Promise<void> {
    const { member, signal } = this.#options;
    let link = first;
    try {
      while (!signal.aborted) {
        const why = await member.run(link);
        if (!signal.aborted) link = await this.#comeBack(why, link);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      link.abort();
    }
  }

  async #comeBack(why: unknown, { age }: Link): Promise<Link> {
    const { member, events, reconnectForMs, timing, signal } = this.#options;
    // A connection that was of no use is part of the same outage.
    const wasUseful = member.progressed || age > timing.mostDelayMs;
    if (wasUseful) this.#outage = undefined;
    this.#outage ??= new Outage(reconnectForMs, timing);
    return await reconnect(why, {
      outage: this.#outage,
      tell: (event) => events.push(event),
      enter: () => this.#rejoin(),
      signal,
    });
  }

  async #rejoin(): Promise<Link> {
    const { member: { user, state }, member, logIn, timing, signal } = this.#options;
    const { channel, user: name } = await logIn();
    try {
      signal.throwIfAborted();
      if (name !== user) {
        throw new PeerError("message-unexpected", `The server calls ${user} by another name now`);
      }
      const joined = await joinRoom(channel, { room: state.room, after: state.head.seq }, timing);
      await member.rejoin(joined);
      signal.throwIfAborted();
      return new Link(channel, timing);
    } catch (error) {
      await channel.close();
      throw error;
    }
  }
}
