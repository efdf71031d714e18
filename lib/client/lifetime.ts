/**
 * A client's life from the first connection to the end of the last one, with the outages between.
 *
 * @module
 */

import { describeError, PeerError } from "../errors.ts";
import { Outage } from "./backoff.ts";
import type { EventQueue } from "./event_queue.ts";
import { type ClosedEvent, codeOf } from "./events.ts";
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
}

/** See the module's description. */
export class Lifetime {
  readonly #options: LifetimeOptions;
  /** Aborted when this side ends it. */
  readonly #leaving = new AbortController();
  readonly #ended: Promise<void>;
  #outage: Outage | undefined;
  #failure: unknown;

  /** Begins on a connection. The last event is `closed`. */
  constructor(first: Link, options: LifetimeOptions) {
    this.#options = options;
    this.#ended = this.#run(first);
  }

  /** Why it ended, unless this side ended it. */
  get failure(): unknown {
    return this.#failure;
  }

  /**
   * Waits for the acks of what was sent, over outages too, says good-bye and closes. Safe to call
   * again.
   */
  async close(): Promise<void> {
    const { traffic, events } = this.#options;
    events.unbound(); // the acks come behind events that nobody may read any more
    await traffic.close();
    this.#leaving.abort();
    await traffic.link?.leave();
    await this.#ended;
  }

  /** Ends it at once: whether the server stores what it has not acked is not known then. */
  abandon(): void {
    this.#leaving.abort();
    this.#options.traffic.link?.abort();
  }

  async #run(first: Link): Promise<void> {
    const { traffic, events } = this.#options;
    let closed: ClosedEvent = { type: "closed", reason: "left", message: "You left" };
    try {
      await this.#live(first);
    } catch (error) {
      this.#failure = error;
      closed = { type: "closed", reason: codeOf(error), message: describeError(error) };
    }
    traffic.abandon(new PeerError("connection-cut", closed.message));
    events.unbound();
    await events.push(closed);
  }

  /** Lives to the end; resolves if this side ended it, and throws why it ended otherwise. */
  async #live(first: Link): Promise<void> {
    const { signal } = this.#leaving;
    let link = first;
    try {
      while (!signal.aborted) {
        const why = await this.#options.traffic.run(link);
        if (!signal.aborted) link = await this.#comeBack(why, link);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      link.abort();
    }
  }

  async #comeBack(why: unknown, { age }: Link): Promise<Link> {
    const { traffic, events, reconnectForMs, timing } = this.#options;
    // A connection that was of no use is part of the same outage.
    const wasUseful = traffic.progressed || age > timing.mostDelayMs;
    if (wasUseful) this.#outage = undefined;
    this.#outage ??= new Outage(reconnectForMs, timing);
    return await reconnect(why, {
      outage: this.#outage,
      tell: (event) => events.push(event),
      enter: () => this.#logInAgain(),
      signal: this.#leaving.signal,
    });
  }

  async #logInAgain(): Promise<Link> {
    const { traffic: { user }, login, timing } = this.#options;
    const { channel, user: name } = await login.logIn();
    try {
      this.#leaving.signal.throwIfAborted();
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
