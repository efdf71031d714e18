/**
 * The course project let anyone try passwords as fast as the network goes. Here each attempt is
 * charged before it is answered, to the account, to the address and to the pair of both, however the
 * guesser splits his attempts over connections; and none of it keeps a user out who has logged in from home before.
 *
 * The servers' clock for this stands still unless the test moves it: what is charged stays charged.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Credentials } from "../../lib/client/login.ts";
import { LoginError } from "../../lib/errors.ts";
import type { PaceOptions } from "../../lib/server/pace.ts";
import type { PacingOptions } from "../../lib/server/login_pacing.ts";
import { ELSEWHERE, FAR_AWAY, Guesser, HOME } from "./guesser.ts";
import { ALICE, assertFails, assertHeard, BOB, logInAs, MALLORY, TestServer } from "./server.ts";

const ANSWERED = "login_response";
const THROTTLED = "login-throttled";

const HOUR_MS = 3_600_000;
const PLENTY: PaceOptions = { burst: 1_000, intervalMs: 1 };

/** So many attempts at once, then one an hour, and nobody waits for it. */
const few = (burst: number): PaceOptions => ({ burst, intervalMs: HOUR_MS });

/** A server that grants so much. */
function start(
  people: readonly Credentials[],
  pacing: Partial<PacingOptions>,
): Promise<TestServer> {
  const plenty = { account: PLENTY, address: PLENTY, pair: PLENTY };
  return TestServer.start(people, {
    pacing: { ...plenty, maxDelayMs: 0, now: () => 0, ...pacing },
  });
}

/** One attempt on a connection of its own, which ends with the answer. */
async function guessOnce(port: number, username: string, from?: string): Promise<string> {
  using guesser = await Guesser.come(port, from);
  return await guesser.guess(username);
}

/** The answers to attempts, all at the same time, each on a connection of its own. */
function guessAtOnce(count: number, port: number, username: string): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => guessOnce(port, username)));
}

const count = (answers: string[], wanted: string): number =>
  answers.filter((answer) => answer === wanted).length;

Deno.test("guesses on one connection end with the burst, however the name is spelled", async () => {
  await using server = await start([ALICE], { account: few(3) });
  using guesser = await Guesser.come(server.port);
  const answers = [];
  for (const name of ["alice", "ALICE", "aLiCe", "alice", "Alice"]) {
    answers.push(await guesser.guess(name)); // no attempt is finished: the next one takes its place
  }
  assert.deepEqual(answers, [...Array(3).fill(ANSWERED), THROTTLED, THROTTLED]);
});

Deno.test("who sends many guesses before reading an answer gets the same few answers", async () => {
  await using server = await start([ALICE], { account: few(3) });
  using guesser = await Guesser.come(server.port);
  for (let at = 0; at < 5; at += 1) await guesser.ask("alice");
  const types = [];
  for (let at = 0; at < 5; at += 1) types.push((await guesser.hear()).type);
  assert.deepEqual(types, [...Array(3).fill(ANSWERED), "error", "error"]);
});

Deno.test("hanging up after each answer, on a new connection each time, buys nothing", async () => {
  await using server = await start([ALICE], { account: few(3) });
  const answers = [];
  for (let at = 0; at < 5; at += 1) answers.push(await guessOnce(server.port, "alice"));
  assert.deepEqual(answers, [...Array(3).fill(ANSWERED), THROTTLED, THROTTLED]);
});

Deno.test("hanging up before the answer is charged all the same", async () => {
  await using server = await start([ALICE], { account: few(3) });
  for (let at = 0; at < 3; at += 1) {
    const since = server.reports.length;
    using guesser = await Guesser.come(server.port);
    await guesser.ask("alice");
    guesser[Symbol.dispose]();
    await server.reported(/ login failed$/, since);
  }
  assert.equal(await guessOnce(server.port, "alice"), THROTTLED);
});

Deno.test("a guesser in parallel gets no more answers than one in sequence", async () => {
  await using server = await start([ALICE], { account: few(3) });
  const answers = await guessAtOnce(20, server.port, "alice");
  assert.deepEqual([count(answers, ANSWERED), count(answers, THROTTLED)], [3, 17]);
});

Deno.test("those who wait for their turn take the turns of all others, too", async () => {
  // At once 2, then one each 10 ms; who would wait for more than 30 ms is refused: 2 + 3.
  const pace = { account: { burst: 2, intervalMs: 10 }, maxDelayMs: 30 };
  await using server = await start([ALICE], pace);
  const answers = await guessAtOnce(20, server.port, "alice");
  assert.deepEqual([count(answers, ANSWERED), count(answers, THROTTLED)], [5, 15]);
  assert.equal(await guessOnce(server.port, "alice", ELSEWHERE), THROTTLED);
});

Deno.test("an account is guarded against many addresses, an address cannot try many accounts", async () => {
  await using server = await start([ALICE], { account: few(2), address: few(4) });
  const answers = [];
  for (const from of [HOME, ELSEWHERE, FAR_AWAY]) {
    answers.push(await guessOnce(server.port, "alice", from));
  }
  assert.deepEqual(answers, [ANSWERED, ANSWERED, THROTTLED]);
  const sprayed = [];
  for (const name of ["a", "b", "c", "d"]) sprayed.push(await guessOnce(server.port, name, HOME));
  assert.deepEqual(sprayed, [ANSWERED, ANSWERED, ANSWERED, THROTTLED]); // and one at alice before
});

Deno.test("an account of one's own buys no guesses at others", async () => {
  await using server = await start([ALICE, MALLORY], { account: few(3), address: few(3) });
  const answers = [];
  for (let at = 0; at < 5; at += 1) {
    using mallory = await Guesser.come(server.port);
    answers.push(await mallory.guess("alice"));
    if (at < 2) await logInAs(mallory.channel, MALLORY); // his charge comes back, and only his
  }
  assert.deepEqual(answers, [...Array(3).fill(ANSWERED), THROTTLED, THROTTLED]);
});

Deno.test("a connection ends at its sixth attempt, also where the pace would allow more", async () => {
  await using server = await start([ALICE], {});
  using guesser = await Guesser.come(server.port);
  for (let at = 0; at < 5; at += 1) assert.equal(await guesser.guess("alice"), ANSWERED);
  await guesser.ask("alice");
  assert.equal(await guesser.channel.receive().catch(() => null), null);
  await server.reported(/: Too many logins failed on this connection$/);
});

Deno.test("a user at a known address logs in through a flood of guesses from elsewhere", async () => {
  await using server = await start([ALICE, BOB], { account: few(2), address: few(4) });
  await (await server.connect(ALICE)).close();
  for (let at = 0; at < 4; at += 1) await guessOnce(server.port, "alice", ELSEWHERE);
  assert.equal(await guessOnce(server.port, "alice", ELSEWHERE), THROTTLED);
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB); // and nobody else at home is touched
  await assertHeard(alice, bob, "what flood?");
});

Deno.test("a user at a known address logs in next to a neighbour who guesses at others", async () => {
  await using server = await start([ALICE], { account: few(2), address: few(2) });
  await (await server.connect(ALICE)).close();
  for (const name of ["bob", "carol"]) await guessOnce(server.port, name, HOME);
  assert.equal(await guessOnce(server.port, "dave", HOME), THROTTLED);
  await (await server.connect(ALICE)).close();
});

Deno.test("at a new address a user is let in next to one guesser, who has a pair's pace alone", async () => {
  await using server = await start([ALICE], { account: few(3), pair: few(2) });
  const answers = [];
  for (let at = 0; at < 4; at += 1) answers.push(await guessOnce(server.port, "alice", ELSEWHERE));
  assert.deepEqual(answers, [ANSWERED, ANSWERED, THROTTLED, THROTTLED]);
  await (await server.connect(ALICE)).close();
});

Deno.test("at a new address a user waits with a crowd, and is let in when the flood is over", async () => {
  let now = 0;
  await using server = await start([ALICE], { account: few(2), now: () => now });
  for (let at = 0; at < 2; at += 1) await guessOnce(server.port, "alice", ELSEWHERE);
  await assertFails(server.connect(ALICE), LoginError, THROTTLED);
  now += HOUR_MS;
  await (await server.connect(ALICE)).close();
});

// Takes seconds: each login is a key stretching.
Deno.test("right passwords cost nothing: a class behind one address logs in, one after another", async () => {
  const tight = { account: few(1), address: few(1) };
  await using server = await start([ALICE, BOB, MALLORY], tight);
  for (const who of [ALICE, BOB, MALLORY, ALICE, BOB, MALLORY]) {
    await (await server.connect(who)).close();
  }
  assert.equal(await guessOnce(server.port, "carol"), ANSWERED);
  assert.equal(await guessOnce(server.port, "dave"), THROTTLED);
});
