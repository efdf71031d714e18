/**
 * The quota of strangers' log lines: what is left out is counted, and what others cause is not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { limited, type LimitedLogger } from "../../lib/server/log_quota.ts";
import { createLogger, type LogLevel } from "../../lib/server/logger.ts";

/** A limited logger whose clock and lines the test holds. */
class Setup implements Disposable {
  readonly logger: LimitedLogger;
  /** What was written: `LEVEL EVENT` and the fields. */
  lines: string[] = [];
  now = 0;
  onLine = (): void => {};

  constructor(perMinute: number, level: LogLevel = "debug") {
    const write = (line: string): void => {
      this.lines.push(line.slice(25).replace(/ +/, " "));
      this.onLine();
    };
    const logger = createLogger({ level, format: "text", write });
    this.logger = limited(logger, { perMinute, now: () => this.now });
  }

  flood(count: number, event = "refused", level: LogLevel = "info"): void {
    for (let at = 0; at < count; at += 1) this.logger[level](event);
  }

  /** The lines since it was last asked. */
  take(): string[] {
    const { lines } = this;
    this.lines = [];
    return lines;
  }

  [Symbol.dispose](): void {
    this.logger[Symbol.dispose]();
  }
}

Deno.test("up to the quota, every line is written and none is counted", () => {
  using setup = new Setup(3);
  setup.flood(3);
  assert.deepEqual(setup.take(), Array(3).fill("info refused"));
  setup.now += 60_000;
  setup.flood(1);
  assert.deepEqual(setup.take(), ["info refused"]);
});

Deno.test("a flood is cut at the quota, and counted when its minute has passed", () => {
  using setup = new Setup(3);
  setup.flood(1_000);
  assert.equal(setup.take().length, 3);
  setup.now = 59_999;
  setup.flood(10);
  assert.deepEqual(setup.take(), []);
  setup.now = 60_000;
  setup.flood(1);
  assert.deepEqual(setup.take(), ["info lines-left-out of=refused count=1007", "info refused"]);
});

Deno.test("the count comes although nobody comes again", async () => {
  using setup = new Setup(1);
  const counted = Promise.withResolvers<void>();
  setup.flood(1);
  setup.onLine = counted.resolve;
  setup.now = 59_999; // the rest of the minute, one millisecond, is real
  setup.flood(5);
  const alive = setInterval(() => {}, 60_000); // as a listener does for a server
  await counted.promise;
  clearInterval(alive);
  assert.deepEqual(setup.take(), ["info refused", "info lines-left-out of=refused count=5"]);
  setup.now = 60_000;
  setup.flood(1);
  assert.deepEqual(setup.take(), ["info refused"], "and it is not counted twice");
});

Deno.test("each event has a quota of its own, and one below info has none", () => {
  using setup = new Setup(1);
  setup.flood(2, "refused");
  setup.flood(2, "cut", "warn");
  setup.flood(3, "frame", "debug");
  assert.deepEqual(setup.take(), ["info refused", "warn cut", ...Array(3).fill("debug frame")]);
});

Deno.test("the end says what was left out until then", () => {
  const setup = new Setup(1);
  setup.flood(4);
  setup.flood(2, "cut", "warn");
  setup.take();
  setup[Symbol.dispose]();
  setup[Symbol.dispose]();
  assert.deepEqual(setup.take(), [
    "info lines-left-out of=refused count=3",
    "warn lines-left-out of=cut count=1",
  ]);
});

Deno.test("a count is of its event's level: who wants warnings alone sees no counts of others", () => {
  using setup = new Setup(1, "warn");
  setup.flood(9);
  setup.now = 60_000;
  setup.flood(1);
  assert.deepEqual(setup.take(), []);
});
