/**
 * Login pacing under a clock that the test moves: guessers get no more than the pace, users whom the
 * server knows are never kept out by others, and memory is bounded.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { KnownPairs } from "../../lib/server/known_pairs.ts";
import {
  type AllowedAttempt,
  DEFAULT_PACING,
  LoginPacing,
  type PacingOptions,
} from "../../lib/server/login_pacing.ts";
import { PaceTable } from "../../lib/server/pace_table.ts";

const HOME = "192.0.2.1";
const ELSEWHERE = "198.51.100.7";

/** A pacing under a clock that stands still until it is moved. */
class Paced {
  readonly pacing: LoginPacing;
  now = 1_000;
  #afar = 0;

  constructor(options: Partial<PacingOptions> = {}) {
    this.pacing = new LoginPacing({ ...options, now: () => this.now });
  }

  /** The wait, or minus the time after which a refused attempt may come again. */
  try(account: string, address: string): number {
    const attempt = this.pacing.attempt(account, address);
    return attempt.allowed ? attempt.delayMs : -attempt.retryAfterMs;
  }

  /** Each wait of so many attempts at once. */
  tries(count: number, account: string, address: string): number[] {
    return Array.from({ length: count }, () => this.try(account, address));
  }

  /** The same, each from an address that nobody else has. */
  triesFromAfar(count: number, account: string): number[] {
    return Array.from({ length: count }, () => this.try(account, `afar-${this.#afar++}`));
  }

  begin(account: string, address: string): AllowedAttempt {
    const attempt = this.pacing.attempt(account, address);
    assert.ok(attempt.allowed, "refused");
    return attempt;
  }

  logIn(account: string, address: string): void {
    this.begin(account, address).succeeded();
  }
}

/** Another address each time. */
function addressOf(n: number): string {
  return `10.${n >> 16 & 255}.${n >> 8 & 255}.${n & 255}`;
}

Deno.test("an account takes 10 attempts at once, from wherever, then one per 10 s", () => {
  const paced = new Paced();
  assert.deepEqual(paced.triesFromAfar(12, "alice"), [...Array(10).fill(0), 10_000, -10_000]);
  paced.now += 10_000;
  assert.deepEqual(paced.triesFromAfar(1, "alice"), [10_000]);
  paced.now += 110_000;
  assert.deepEqual(paced.triesFromAfar(11, "alice"), [...Array(10).fill(0), 10_000]);
});

Deno.test("an account takes 5 attempts of one address at once, then one per 30 s", () => {
  const paced = new Paced();
  assert.deepEqual(paced.tries(6, "alice", HOME), [...Array(5).fill(0), -20_000]);
  assert.deepEqual(paced.tries(5, "alice", ELSEWHERE), Array(5).fill(0));
  assert.deepEqual(paced.tries(5, "bob", HOME), Array(5).fill(0));
  paced.now += 20_000;
  assert.deepEqual(paced.tries(2, "alice", HOME), [10_000, -30_000]);
  assert.deepEqual(paced.tries(1, "alice", ELSEWHERE), [10_000]);
});

Deno.test("an address takes 60 attempts at once, at whichever accounts, then one per 2 s", () => {
  const paced = new Paced();
  const waits = Array.from({ length: 66 }, (_, i) => paced.try(`user-${i}`, HOME));
  const later = [2_000, 4_000, 6_000, 8_000, 10_000];
  assert.deepEqual(waits, [...Array(60).fill(0), ...later, -2_000]);
  assert.equal(paced.try("user-1", ELSEWHERE), 0);
});

Deno.test("an IPv6 address is paced with its /64, a mapped IPv4 address with itself", () => {
  const paced = new Paced({ address: { burst: 1, intervalMs: 1_000 } });
  assert.equal(paced.try("a", "2001:db8::1"), 0);
  assert.equal(paced.try("b", "2001:db8::ffff:1"), 1_000);
  assert.equal(paced.try("c", "2001:db8:0:1::1"), 0);
  assert.equal(paced.try("d", HOME), 0);
  assert.equal(paced.try("e", `::ffff:${HOME}`), 1_000);
  const pairs = new Paced({ pair: { burst: 1, intervalMs: 1_000 } });
  assert.equal(pairs.try("a", "2001:db8::1"), 0);
  assert.equal(pairs.try("a", "2001:db8::ffff:1"), 1_000);
});

Deno.test("an attempt waits for the latest slot of its account, its address and their pair", () => {
  const options = {
    account: { burst: 1, intervalMs: 3_000 },
    address: { burst: 1, intervalMs: 5_000 },
    pair: { burst: 1, intervalMs: 9_000 },
  };
  const paced = new Paced(options);
  paced.try("alice", HOME);
  assert.equal(paced.try("alice", ELSEWHERE), 3_000);
  assert.equal(paced.try("bob", HOME), 5_000);
  assert.equal(paced.try("alice", HOME), 10_000);
  paced.now += 9_000;
  assert.equal(paced.try("alice", HOME), 9_000);
});

Deno.test("a refused attempt costs its account, its address and their pair nothing", () => {
  const paced = new Paced();
  paced.triesFromAfar(11, "alice");
  assert.ok(paced.tries(1_000, "alice", HOME).every((wait) => wait === -10_000));
  assert.equal(paced.try("bob", HOME), 0);
  for (let i = 0; i < 65; i++) paced.try(`user-${i}`, ELSEWHERE);
  assert.ok(paced.tries(1_000, "carol", ELSEWHERE).every((wait) => wait < 0));
  assert.deepEqual(paced.triesFromAfar(10, "carol"), Array(10).fill(0));
  paced.now += 110_000;
  assert.deepEqual(paced.tries(5, "alice", HOME), Array(5).fill(0));
  assert.ok(paced.tries(1_000, "alice", HOME).every((wait) => wait === -20_000));
  const others = Array.from({ length: 55 }, (_, i) => paced.try(`user-${i}`, HOME));
  assert.deepEqual(others, Array(55).fill(0));
  assert.deepEqual(paced.triesFromAfar(6, "alice"), [...Array(5).fill(0), 10_000]);
});

Deno.test("a success gives back what the attempt cost, once", () => {
  const paced = new Paced();
  for (let i = 0; i < 1_000; i++) paced.logIn(`user-${i % 500}`, addressOf(i));
  const first = paced.begin("alice", HOME);
  const [, second] = paced.tries(2, "alice", ELSEWHERE);
  assert.equal(second, 0);
  paced.now += 300; // the time of a login
  for (let i = 0; i < 3; i++) first.succeeded();
  assert.deepEqual(paced.triesFromAfar(9, "alice"), [...Array(8).fill(0), 10_000]);
  const others = Array.from({ length: 61 }, (_, i) => paced.try(`other-${i}`, HOME));
  assert.deepEqual(others, [...Array(60).fill(0), 2_000]);
});

Deno.test("a success gives back what it cost its pair, should that be forgotten again", () => {
  const paced = new Paced();
  for (let i = 0; i <= 16; i++) paced.logIn("alice", addressOf(i)); // the last 16 are known
  assert.deepEqual(paced.tries(6, "alice", addressOf(0)), [...Array(5).fill(0), -20_000]);
});

Deno.test("a success that comes late gives back only what time has not", () => {
  const paced = new Paced();
  const own = Array.from({ length: 10 }, (_, i) => paced.begin(`mallory-${i}`, HOME));
  paced.now += 100_000; // all made good: the burst is there once, not twice
  for (let i = 0; i < 60; i++) paced.try(`user-${i}`, HOME);
  for (const attempt of own) attempt.succeeded();
  assert.equal(paced.try("alice", HOME), 2_000);
});

Deno.test("a whole class logs in from one address, however often", () => {
  const paced = new Paced();
  for (let lesson = 0; lesson < 10; lesson++) {
    for (let i = 0; i < 200; i++) {
      const attempt = paced.begin(`student-${i}`, HOME);
      assert.equal(attempt.delayMs, 0);
      attempt.succeeded();
    }
  }
});

Deno.test("a known pair that fails is paced on its own, and costs nobody else anything", () => {
  const paced = new Paced();
  paced.logIn("alice", HOME);
  assert.deepEqual(paced.tries(12, "alice", HOME), [...Array(10).fill(0), 10_000, -10_000]);
  assert.deepEqual(paced.triesFromAfar(10, "alice"), Array(10).fill(0));
  const others = Array.from({ length: 60 }, (_, i) => paced.try(`user-${i}`, HOME));
  assert.deepEqual(others, Array(60).fill(0));
});

Deno.test("a known pair's success gives back what it cost", () => {
  const paced = new Paced();
  for (let i = 0; i < 100; i++) {
    const attempt = paced.begin("alice", HOME);
    assert.equal(attempt.delayMs, 0);
    attempt.succeeded();
  }
});

Deno.test("a known pair's success forgives no failures before it", () => {
  const paced = new Paced();
  paced.logIn("alice", HOME);
  paced.tries(5, "alice", HOME);
  paced.logIn("alice", HOME);
  assert.deepEqual(paced.tries(6, "alice", HOME), [0, 0, 0, 0, 0, 10_000]);
});

Deno.test("a known user gets in at once through floods on the account and from the address", () => {
  const paced = new Paced();
  paced.logIn("alice", HOME);
  for (let second = 0; second < 1_000; second++) {
    paced.now += 1_000;
    for (let i = 0; i < 20; i++) {
      paced.try("alice", addressOf(second + i));
      paced.try(`user-${second * 20 + i}`, HOME);
    }
    if (second % 100 !== 99) continue;
    assert.ok(paced.try("alice", addressOf(second)) < 0, "there was no flood on the account");
    assert.ok(paced.try("nobody", HOME) < 0, "there was no flood from the address");
    assert.equal(paced.try("alice", HOME), 0); // a typing error
    const attempt = paced.begin("alice", HOME);
    assert.equal(attempt.delayMs, 0);
    attempt.succeeded();
  }
});

/**
 * An hour in which addresses try an account 20 times a second, save while they rest to save up.
 * Users with the right password come from a new address each time, after the flood at each moment,
 * and try again when they are told to. The milliseconds that each took to get in.
 */
function timesToGetIn(addresses: number, restMs: number): number[] {
  const paced = new Paced();
  const times: number[] = [];
  let [from, due] = [0, 0];
  for (let at = 0; at < 3_600_000; at += 50) {
    paced.now = at;
    const isResting = at % (restMs + 30_000) < restMs;
    for (let i = 0; !isResting && i < addresses; i++) paced.try("alice", addressOf(i));
    if (at < due) continue;
    const attempt = paced.pacing.attempt("alice", `new-${times.length}`);
    due = at + (attempt.allowed ? attempt.delayMs + 7_350 : attempt.retryAfterMs);
    if (!attempt.allowed) continue;
    attempt.succeeded();
    times.push(at + attempt.delayMs - from);
    from = due;
  }
  if (from < paced.now) times.push(paced.now - from); // who is still waiting
  return times;
}

for (const addresses of [1, 2]) {
  Deno.test(`while ${addresses} address(es) flood an account, a user at a new one gets in within 10 s`, () => {
    for (const restMs of [0, 45_000]) {
      const times = timesToGetIn(addresses, restMs);
      assert.ok(times.length > 200, `only ${times.length} users came`);
      assert.ok(Math.max(...times) <= 10_000, `after ${Math.max(...times)} ms`);
    }
  });
}

Deno.test("an account that never logs in is paced like any other", () => {
  const calls = fc.array(fc.tuple(fc.nat(20_000), fc.nat(3)), { maxLength: 60 });
  fc.assert(fc.property(calls, (calls) => {
    const paced = new Paced();
    paced.logIn("exists", addressOf(1_000));
    for (const [rest, n] of calls) {
      paced.now += rest;
      const waits = ["exists", "does not"].map((name, i) => paced.try(name, addressOf(2 * n + i)));
      assert.equal(waits[0], waits[1]);
    }
  }));
});

/** A flood: [milliseconds of rest, account, address] of each attempt. */
const flood = fc.array(
  fc.tuple(
    fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(20_000) }),
    fc.nat(5),
    fc.nat(5),
  ),
  { maxLength: 200, size: "max" },
);

const pace = fc.record({
  burst: fc.integer({ min: 1, max: 8 }),
  intervalMs: fc.integer({ min: 1, max: 5_000 }),
});
const anyPacing = fc.record({
  account: pace,
  address: pace,
  pair: pace,
  maxDelayMs: fc.nat(10_000),
});

/** Whether in any time T, `times` has at most `most(T)`. */
function assertRate(times: readonly number[], most: (ms: number) => number): void {
  const sorted = times.toSorted((a, b) => a - b);
  for (const [first, from] of sorted.entries()) {
    for (const [last, to] of sorted.slice(first).entries()) {
      assert.ok(last + 1 <= most(to - from), `${last + 1} attempts in ${to - from} ms`);
    }
  }
}

for (const key of ["account", "address", "pair"] as const) {
  Deno.test(`in any T ms, one ${key} is allowed at most the burst and (T + longest wait) / interval`, () => {
    fc.assert(fc.property(anyPacing, flood, (options, flood) => {
      const paced = new Paced(options);
      const [began, answered]: [number[], number[]] = [[], []];
      for (const [rest, account, address] of flood) {
        paced.now += rest;
        const wait = paced.try(`user-${account}`, addressOf(address));
        if (wait < 0 || { account, address, pair: account + address }[key] !== 0) continue;
        began.push(paced.now);
        answered.push(paced.now + wait);
      }
      const { burst, intervalMs } = options[key];
      const most = (ms: number): number => burst + (ms + options.maxDelayMs) / intervalMs;
      assertRate(began, most);
      assertRate(answered, most);
    }));
  });
}

Deno.test("by default, an account is allowed at most 10 + 1 + T / 10 s in any T", () => {
  fc.assert(fc.property(flood, (flood) => {
    const paced = new Paced();
    const began: number[] = [];
    for (const [rest, n, address] of flood) {
      paced.now += rest;
      if (paced.try("alice", addressOf(8 * n + address)) >= 0) began.push(paced.now);
    }
    assertRate(began, (ms) => 10 + 1 + ms / 10_000);
  }));
});

Deno.test("a refused attempt is allowed after the time that it was told, and not before", () => {
  fc.assert(fc.property(anyPacing, flood, fc.boolean(), (options, flood, known) => {
    const paced = new Paced(options);
    if (known) paced.logIn("user-0", addressOf(0));
    for (const [rest, account, address] of flood) {
      paced.now += rest;
      const [name, ip] = [`user-${account}`, addressOf(address)];
      const wait = paced.try(name, ip);
      if (wait >= 0) continue;
      paced.now += -wait - 1;
      assert.ok(paced.try(name, ip) < 0, "allowed before");
      paced.now += 1;
      assert.ok(paced.try(name, ip) >= 0, "refused again");
    }
  }));
});

Deno.test("an attempt that succeeds at once leaves the pace as if it had not been", () => {
  fc.assert(fc.property(flood, flood, (flood, logins) => {
    const [with_, without] = [new Paced(), new Paced()];
    for (const [index, [rest, account, address]] of flood.entries()) {
      for (const paced of [with_, without]) paced.now += rest;
      const [, user, home] = logins[index] ?? [];
      if (user !== undefined && home !== undefined) {
        // The same addresses and accounts as the flood's, but no pair of it.
        const attempt = with_.pacing.attempt(`user-${user}`, addressOf(home + 6));
        const stranger = with_.pacing.attempt(`student-${user}`, addressOf(home));
        for (const one of [attempt, stranger]) if (one.allowed) one.succeeded();
      }
      const [name, ip] = [`user-${account}`, addressOf(address)];
      assert.equal(with_.try(name, ip), without.try(name, ip));
    }
  }));
});

Deno.test("a hundred thousand names from as many addresses leave no more than the tables hold", () => {
  const paced = new Paced({ maxKeys: 256 });
  let seed = 1;
  for (let i = 0; i < 100_000; i++) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes' generator
    paced.now += 1;
    const attempt = paced.pacing.attempt(`user-${seed}`, addressOf(seed >>> 8));
    if (i % 4 === 0 && attempt.allowed) attempt.succeeded();
    if (i % 1_000 === 0) assert.ok(paced.pacing.size <= 1_024, `${paced.pacing.size} entries`);
  }
  assert.ok(paced.pacing.size <= 1_024);
});

Deno.test("a refused attempt takes no memory: names cannot flush the tables for nothing", () => {
  const paced = new Paced({ maxKeys: 100 });
  paced.triesFromAfar(11, "alice");
  for (let i = 0; i < 64; i++) paced.try(`user-${i}`, ELSEWHERE);
  const { size } = paced.pacing;
  for (let i = 64; i < 10_000; i++) paced.try(`user-${i}`, ELSEWHERE);
  assert.ok(paced.pacing.size <= size + 2); // an account and a pair were allowed
  assert.equal(paced.try("alice", HOME), -10_000);
});

Deno.test("a full table forgets recovered keys first, wherever they are, then the least recent", () => {
  const table = new PaceTable({ burst: 1, intervalMs: 100 }, 3);
  const waits = (now: number): number[] =>
    ["a", "b", "c", "d"].map((key) => table.find(key).wait(now));
  for (let i = 0; i < 4; i++) table.charge("a", 0);
  table.charge("b", 0);
  table.charge("c", 10);
  table.charge("d", 105); // b has recovered, a and c have not
  assert.deepEqual(waits(105), [295, 0, 5, 100]);
  table.charge("a", 106);
  table.charge("e", 107); // nobody has: c was charged least recently
  assert.deepEqual(waits(107), [393, 0, 0, 98]);
  assert.equal(table.size, 3);
});

Deno.test("flushing an account's pace costs as many charges as the table has keys", () => {
  const table = new PaceTable({ burst: 1, intervalMs: 1_000 }, 100);
  table.charge("alice", 0);
  for (let i = 0; i < 99; i++) table.charge(`user-${i}`, 1);
  assert.equal(table.find("alice").wait(1), 999);
  table.charge("user-99", 1);
  assert.equal(table.find("alice").wait(1), 0);
});

/** The addresses of an account that are known, by number. */
function addressesOf(known: KnownPairs, account: string): number[] {
  const numbers = Array.from({ length: 100 }, (_, i) => i);
  return numbers.filter((i) => known.find(account, addressOf(i)) !== undefined);
}

Deno.test("an account is known at the 16 addresses where it logged in last", () => {
  const known = new KnownPairs(DEFAULT_PACING.account, 1_000);
  for (let i = 0; i < 16; i++) known.remember("mallory", addressOf(i));
  for (const i of [0, 2, 99]) known.remember("mallory", addressOf(i));
  known.remember("alice", addressOf(0));
  const last = [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 99];
  assert.deepEqual(addressesOf(known, "mallory"), last);
  assert.deepEqual(addressesOf(known, "alice"), [0]);
  assert.equal(known.size, 17);
});

Deno.test("when there are too many pairs, one goes of the account that logged in least lately", () => {
  const known = new KnownPairs(DEFAULT_PACING.account, 5);
  known.remember("alice", addressOf(0));
  for (const i of [0, 1]) known.remember("bob", addressOf(i));
  known.remember("carol", addressOf(0));
  known.remember("dave", addressOf(0));
  known.remember("alice", addressOf(0));
  const left = (): number[] =>
    ["alice", "bob", "carol", "dave", "erin"].map((name) => addressesOf(known, name).length);
  const after = ["f", "g", "h"].map((name) => {
    known.remember(name, addressOf(0));
    return left();
  });
  assert.deepEqual(after, [[1, 1, 1, 1, 0], [1, 0, 1, 1, 0], [1, 0, 0, 1, 0]]);
  for (let i = 0; i < 9; i++) known.remember("erin", addressOf(i));
  assert.deepEqual(left(), [0, 0, 0, 0, 5]);
  assert.equal(known.size, 5);
});

Deno.test("a secret that nobody guesses is paced by its address alone, and makes nobody known", () => {
  const pacing = new LoginPacing({ now: () => 0, address: { burst: 40, intervalMs: 2_000 } });
  const delays = Array.from({ length: 41 }, () => pacing.attempt(undefined, "192.0.2.1"))
    .map((attempt) => attempt.allowed ? attempt.delayMs : -1);
  assert.deepEqual(delays, [...Array(40).fill(0), 2_000]);
  const other = pacing.attempt("alice", "192.0.2.1");
  assert.equal(
    other.allowed && other.delayMs,
    4_000,
    "the address's other attempts wait with them",
  );
});
