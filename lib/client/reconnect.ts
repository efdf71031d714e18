/**
 * After an outage: wait, try, wait longer, until there is a connection, the time is over, or it is
 * clear that there will be none.
 *
 * @module
 */

import { describeError } from "../errors.ts";
import type { Outage } from "./backoff.ts";
import { mayPass } from "./endings.ts";
import { codeOf, type ReconnectingEvent } from "./events.ts";

/** What an attempt needs. */
export interface Attempts<T> {
  outage: Outage;
  /** Called before each wait. */
  tell(event: ReconnectingEvent): Promise<void>;
  /** One attempt. It releases what it makes, if the signal comes meanwhile. */
  enter(): Promise<T>;
  /** Ends it all. */
  signal: AbortSignal;
}

/**
 * Tries until it works.
 *
 * @param why why there is no connection.
 * @throws what went wrong at last; the signal's reason if that ended it.
 */
export async function reconnect<T>(why: unknown, attempts: Attempts<T>): Promise<T> {
  const { outage, tell, enter, signal } = attempts;
  for (;;) {
    const next = mayPass(why) ? outage.next() : undefined;
    if (next === undefined) throw why;
    const { attempt, delayMs: delay_ms } = next;
    const [reason, message] = [codeOf(why), describeError(why)];
    await tell({ type: "reconnecting", attempt, delay_ms, reason, message });
    await unlessAborted(sleep(delay_ms, signal), signal);
    try {
      return await unlessAborted(enter(), signal);
    } catch (error) {
      signal.throwIfAborted();
      why = error;
    }
  }
}

/** What is waited for, or the signal's reason as an error, whichever comes first. */
async function unlessAborted<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([waiting, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    waiting.catch(() => {}); // nobody waits for it any more
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}
