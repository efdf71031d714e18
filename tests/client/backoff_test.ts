/** When an attempt follows: never at once, never all at the same time, and not for ever. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { delayBefore, Outage } from "../../lib/client/backoff.ts";
import { TIMING } from "../../lib/client/timing.ts";

const attempts = fc.integer({ min: 1, max: 100_000 });
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

Deno.test("delayBefore() is from 0.25 s to 15 s, whatever the attempt and the luck", () => {
  fc.assert(fc.property(attempts, randoms, (attempt, random) => {
    const delay = delayBefore(attempt, random, TIMING);
    assert.ok(Number.isInteger(delay) && delay >= 250 && delay <= 15_000, `${delay}`);
  }));
});

Deno.test("delayBefore() has a ceiling that doubles, and spreads clients over all below it", () => {
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 1_000].map((attempt) =>
    delayBefore(attempt, 1 - Number.EPSILON, TIMING)
  );
  assert.deepEqual(ceilings, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  for (const attempt of [1, 4, 9]) assert.equal(delayBefore(attempt, 0, TIMING), 250);
  fc.assert(fc.property(attempts, randoms, randoms, (attempt, one, other) => {
    const [less, more] = one < other ? [one, other] : [other, one];
    assert.ok(delayBefore(attempt, less, TIMING) <= delayBefore(attempt, more, TIMING));
  }));
});

Deno.test("an outage of no time has no attempt, one of any time counts them from 1", () => {
  assert.equal(new Outage(0, TIMING).next(), undefined);
  const endless = new Outage(Infinity, TIMING);
  for (let attempt = 1; attempt <= 50; attempt += 1) {
    assert.equal(endless.next()?.attempt, attempt);
  }
});

Deno.test("the last attempt is at the end of the time, not behind it", () => {
  const outage = new Outage(10, TIMING);
  const { delayMs } = outage.next() ?? { delayMs: NaN };
  assert.ok(delayMs > 0 && delayMs <= 10, `${delayMs}`);
});
