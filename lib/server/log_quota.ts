/**
 * A bound on the log lines that strangers can cause: whoever can connect can fail without end, and
 * nobody may fill a disk, or bury what matters, by knocking.
 *
 * @module
 */

import type { LogFields, Logger, LogLevel } from "./logger.ts";

/** Lines of one event in a minute: enough to see what happens, and 5 MB a day at the most. */
const LINES_PER_MINUTE = 20;

const MINUTE_MS = 60_000;

/** See {@linkcode limited}. */
export interface QuotaOptions {
  /** Lines of one event and level in a minute. Default: 20. */
  perMinute?: number;
  /** Milliseconds on a clock that never goes back. */
  now?: () => number;
}

/** A logger that leaves lines out. Disposing of it says how many were left out and not yet counted. */
export interface LimitedLogger extends Logger, Disposable {}

/** The minute that an event's first line began. */
interface Minute {
  ends: number;
  lines: number;
  /** Lines that were left out. */
  left: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * A logger for what peers cause before they are known. Of one event at `info` or above, the first
 * lines of a minute are written; at its end, one line says how many were not:
 * `lines-left-out of=EVENT count=N`, of the same level. Lines at `debug` are all written.
 *
 * @example
 * ```ts
 * using strangers = limited(logger);
 * strangers.info("handshake-failed", { peer: "127.0.0.1:1234", code: "not-fernchat" });
 * ```
 */
export function limited(logger: Logger, options: QuotaOptions = {}): LimitedLogger {
  const quota = new Quota(logger, options);
  const at = (level: LogLevel): Logger[LogLevel] => (event, fields) =>
    quota.write(level, event, fields);
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: logger.debug,
    [Symbol.dispose]: () => quota.end(),
  };
}

/** Counts lines by level and event: both are fixed names, so the counters are few. */
class Quota {
  readonly #logger: Logger;
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #minutes = new Map<string, Minute>();

  constructor(
    logger: Logger,
    { perMinute = LINES_PER_MINUTE, now = () => performance.now() }: QuotaOptions,
  ) {
    this.#logger = logger;
    this.#perMinute = perMinute;
    this.#now = now;
  }

  write(level: LogLevel, event: string, fields: LogFields | undefined): void {
    const minute = this.#minute(level, event);
    minute.lines += 1;
    if (minute.lines <= this.#perMinute) return this.#logger[level](event, fields);
    minute.left += 1;
    minute.timer ??= this.#countAtItsEnd(level, event, minute);
  }

  /** Says what was left out in the minutes that go on. */
  end(): void {
    for (const [name, minute] of this.#minutes) {
      const [level, event] = name.split(" ") as [LogLevel, string];
      this.#count(level, event, minute);
    }
    this.#minutes.clear();
  }

  #minute(level: LogLevel, event: string): Minute {
    const name = `${level} ${event}`;
    const now = this.#now();
    const current = this.#minutes.get(name);
    if (current !== undefined && now < current.ends) return current;
    if (current !== undefined) this.#count(level, event, current);
    const next = { ends: now + MINUTE_MS, lines: 0, left: 0, timer: undefined };
    this.#minutes.set(name, next);
    return next;
  }

  /** Those who were left out may not come again: the count must not wait for them. */
  #countAtItsEnd(level: LogLevel, event: string, minute: Minute): Minute["timer"] {
    const timer = setTimeout(() => this.#count(level, event, minute), minute.ends - this.#now());
    Deno.unrefTimer(timer); // nor must the program's end wait for the count
    return timer;
  }

  #count(level: LogLevel, event: string, minute: Minute): void {
    clearTimeout(minute.timer);
    if (minute.left === 0) return;
    this.#logger[level]("lines-left-out", { of: event, count: minute.left });
    minute.left = 0;
  }
}
