/**
 * A client's life from the first connection to the end of the last one, with the outages between.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import { Outage } from "./backoff.ts";
import type { EventQueue } from "./event_queue.ts";
import type { Login } from "./kept_login.ts";
import { Link } from "./link.ts";
import { reconnect } from "./reconnect.ts";
import type { Timing } from "./timing.ts";
import type { Traffic } from "./traffic.ts";

/** What a lifetime works with. */
export interface LifetimeOptions {
  traffic: Traffic;
  events: EventQueue;
  /** Logs in again after an outage. */
  login: Login;
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
    const { traffic, signal } = this.#options;
    let link = first;
    try {
      while (!signal.aborted) {
        const why = await traffic.run(link);
        if (!signal.aborted) link = await this.#comeBack(why, link);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      link.abort();
    }
  }

  async #comeBack(why: unknown, { age }: Link): Promise<Link> {
    const { traffic, events, reconnectForMs, timing, signal } = this.#options;
    // A connection that was of no use is part of the same outage.
    const wasUseful = traffic.progressed || age > timing.mostDelayMs;
    if (wasUseful) this.#outage = undefined;
    this.#outage ??= new Outage(reconnectForMs, timing);
    return await reconnect(why, {
      outage: this.#outage,
      tell: (event) => events.push(event),
      enter: () => this.#logInAgain(),
      signal,
    });
  }

  async #logInAgain(): Promise<Link> {
    const { traffic: { user }, login, timing, signal } = this.#options;
    const { channel, user: name } = await login.logIn();
    try {
      signal.throwIfAborted();
      if (name !== user) {
        throw new PeerError("message-unexpected", `The server calls ${user} by another name now`);
      }
      return new Link(channel, timing);
    } catch (error) {
      await channel.close();
      throw error;
    }
  }
}
