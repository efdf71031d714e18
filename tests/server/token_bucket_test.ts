/**
 * Token buckets under a clock that the test moves: no caller gets more than the burst and the rate,
 * none waits longer than it must, and memory follows use.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { TokenBucket, TokenBuckets } from "../../lib/server/token_bucket.ts";

/** A clock that stands still until it is moved. */
function makeClock(): { now: () => number; move(ms: number): void } {
  let time = 1_000;
  return { now: () => time, move: (ms) => void (time += ms) };
}

Deno.test("take() lets a burst go at once, then asks for the time of each further token", () => {
  const { now, move } = makeClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 3, now });
  assert.deepEqual([1, 2, 3, 4, 5].map(() => bucket.take()), [0, 0, 0, 100, 200]);
  move(200);
  assert.equal(bucket.take(), 100);
  move(100 + 3 * 100);
  assert.deepEqual([1, 2, 3, 4].map(() => bucket.take()), [0, 0, 0, 100]);
});

Deno.test("a bucket holds no more than its burst, however long it rests", () => {
  const { now, move } = makeClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 2, now });
  bucket.take();
  move(1e9);
  assert.deepEqual([bucket.take(), bucket.take(), bucket.take()], [0, 0, 100]);
});

Deno.test("a cost above the burst is a debt that later takers pay off too", () => {
  const { now, move } = makeClock();
  const bucket = new TokenBucket({ perSecond: 1, burst: 5, now });
  assert.equal(bucket.take(8), 3_000);
  move(3_000);
  assert.equal(bucket.take(0), 0);
  assert.equal(bucket.take(), 1_000);
});

Deno.test("a bucket without a limit never makes anyone wait, and is always full", () => {
  const { now } = makeClock();
  const bucket = new TokenBucket({ perSecond: Infinity, burst: 1, now });
  for (let i = 0; i < 1_000; i++) assert.equal(bucket.take(1e9), 0);
  assert.equal(bucket.full, true);
});

Deno.test("full is true before the first token is taken and when the last is back", () => {
  const { now, move } = makeClock();
  const bucket = new TokenBucket({ perSecond: 10, burst: 3, now });
  assert.equal(bucket.full, true);
  for (let i = 0; i < 5; i++) bucket.take();
  move(499);
  assert.equal(bucket.full, false);
  move(1);
  assert.equal(bucket.full, true);
});

Deno.test("without a clock of the test's, a bucket takes the machine's", () => {
  const bucket = new TokenBucket({ perSecond: 1e-3, burst: 1 });
  assert.equal(bucket.take(), 0);
  assert.ok(bucket.take() > 0);
});

/** What callers do who obey: [milliseconds of rest, tokens taken]. */
const steps = fc.array(fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 20 })), { maxLength: 60 });
const rates = fc.record({
  perSecond: fc.double({ min: 0.1, max: 1_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 50 }),
});

Deno.test("in any time, callers who wait get the burst and the rate, and one cost at most more", () => {
  fc.assert(fc.property(rates, steps, ({ perSecond, burst }, taken) => {
    const { now, move } = makeClock();
    const bucket = new TokenBucket({ perSecond, burst, now });
    const goes: { at: number; cost: number }[] = [];
    for (const [rest, cost] of taken) {
      move(rest);
      move(bucket.take(cost));
      goes.push({ at: now(), cost });
    }
    for (const [first, { at: from }] of goes.entries()) {
      let sum = 0;
      for (const { at, cost } of goes.slice(first)) {
        sum += cost;
        const allowed = burst + (at - from) * perSecond / 1_000 + (goes[first]?.cost ?? 0);
        assert.ok(sum <= allowed + 1e-6, `${sum} tokens where ${allowed} were to be had`);
      }
    }
  }));
});

Deno.test("nobody waits longer than until the tokens taken so far are paid", () => {
  fc.assert(fc.property(rates, steps, ({ perSecond, burst }, taken) => {
    const { now, move } = makeClock();
    const bucket = new TokenBucket({ perSecond, burst, now });
    let missing = 0;
    for (const [rest, cost] of taken) {
      move(rest);
      missing = Math.max(0, missing - rest * perSecond / 1_000) + cost;
      const due = Math.max(0, missing - burst) * 1_000 / perSecond;
      assert.ok(Math.abs(bucket.take(cost) - due) < 1e-6 * (1 + due));
    }
  }));
});

Deno.test("buckets of different keys do not touch each other", () => {
  const { now } = makeClock();
  const buckets = new TokenBuckets({ perSecond: 1, burst: 1, now });
  assert.deepEqual([buckets.take("a"), buckets.take("a"), buckets.take("a", 2)], [0, 1_000, 3_000]);
  assert.equal(buckets.take("b"), 0);
  assert.equal(buckets.take("__proto__"), 0);
  assert.equal(buckets.size, 3);
});

Deno.test("buckets that are full again are forgotten, those in use are not", () => {
  const { now, move } = makeClock();
  const buckets = new TokenBuckets({ perSecond: 1, burst: 10, now });
  for (let i = 0; i < 100_000; i++) {
    buckets.take("busy", 0.01);
    buckets.take(`once-${i}`); // for a second
    move(10);
    assert.ok(buckets.size <= 2 * (100 + 1) + 16, `${buckets.size} buckets at key ${i}`);
  }
  buckets.take("busy", 11);
  for (let i = 0; i < 1_000; i++) buckets.take(`again-${i}`);
  assert.ok(buckets.take("busy") > 0, "a debt was forgotten");
});

Deno.test("forgetting changes no answer", () => {
  const keys = fc.constantFrom("a", "b", "c", ...Array.from({ length: 40 }, (_, i) => `k${i}`));
  const calls = fc.array(fc.tuple(fc.nat(400), keys), { minLength: 100, maxLength: 300 });
  fc.assert(fc.property(calls, (taken) => {
    const { now, move } = makeClock();
    const options = { perSecond: 8, burst: 2, now }; // times that binary fractions hold exactly
    const buckets = new TokenBuckets(options);
    const kept = new Map<string, TokenBucket>();
    for (const [rest, key] of taken) {
      move(rest);
      const bucket = kept.get(key) ?? new TokenBucket(options);
      kept.set(key, bucket);
      assert.equal(buckets.take(key), bucket.take());
    }
  }));
});
