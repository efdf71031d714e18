/**
 * How long the server takes to answer a login's start must not tell whether there is an account.
 *
 * No test of this project asserts how long something takes. This one asserts that one thing takes no
 * longer than another, which holds on a slow machine and on a busy one as well:
 *
 * Of each pair of measurements, one is of a name that has an account and one of a name that has
 * none. Each is the least of some tries, so that most of what disturbs a try (other processes, the
 * garbage collector) is left out; which of the two is tried first is drawn for each try. Each
 * pair has requests of its own, since where one lies in memory has an effect, too. If the
 * work is the same, then either is the slower one of its pair with probability 1/2, whatever else the
 * machine does: nothing but the draw tells them apart. So the share of pairs in which the known name
 * was slower has the mean 1/2, and over n pairs the standard deviation sqrt(1/4 / n). The bound is
 * 6 of these on both sides: two chances in a billion to fail without a reason. The residue of
 * a real difference, of a microsecond or two (4,000 pairs gave 0.52), is less than one of them.
 *
 * Before there was a decoy record, the unknown name was faster by some 25 of 1,000 microseconds, and
 * the share was 0.65 to 0.8.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Accounts } from "../../lib/auth/accounts.ts";
import { clientLoginStart } from "../../lib/auth/opaque.ts";
import { openDatabase } from "../../lib/database.ts";
import { encodeClientMessage } from "../../lib/protocol/messages.ts";
import { startLogin } from "../../lib/server/login.ts";
import { Guesser } from "./guesser.ts";
import { addAccounts, ALICE, TempFolder, TestServer } from "./server.ts";

const SIGMAS = 6;

/** What is measured: one attempt to log in, up to its answer. */
type Attempt = () => unknown;

/** Makes an attempt with a request of its own. */
type Prepare = () => Attempt;

/** Milliseconds of one attempt. */
async function time(attempt: Attempt): Promise<number> {
  const started = performance.now();
  const answer = attempt();
  if (answer instanceof Promise) await answer;
  return performance.now() - started;
}

/** The share of pairs in which the first was slower than the second. */
async function shareSlower(
  first: Prepare,
  second: Prepare,
  { pairs, tries }: { pairs: number; tries: number },
): Promise<number> {
  let slower = 0;
  for (let pair = 0; pair < pairs; pair += 1) {
    const [one, other] = [first(), second()];
    const least = new Map<Attempt, number>([[one, Infinity], [other, Infinity]]);
    for (let turn = 0; turn < tries; turn += 1) {
      for (const attempt of Math.random() < 0.5 ? [one, other] : [other, one]) {
        least.set(attempt, Math.min(least.get(attempt) as number, await time(attempt)));
      }
    }
    slower += (1 + Math.sign((least.get(one) as number) - (least.get(other) as number))) / 2;
  }
  return slower / pairs;
}

/** How far from 1/2 the share may be by chance. */
const bound = (pairs: number): number => SIGMAS * Math.sqrt(0.25 / pairs);

/** A login's first message, whose content is of no interest here. */
function request(username: string): Parameters<typeof startLogin>[2] {
  return { type: "login_start", username, ke1: clientLoginStart(username, "a guess").ke1 };
}

// Takes seconds: some thousand logins.
Deno.test("the server's work for a login takes as long without an account as with one", async () => {
  using folder = new TempFolder();
  const db = folder.file("chat_logs.db");
  await addAccounts(db, [ALICE]);
  const database = openDatabase(db);
  const accounts = await Accounts.open(database, db);
  const prepare = (username: string, extraMs = 0): Prepare => () => {
    const message = request(username);
    const encoded = encodeClientMessage(message);
    return () => {
      startLogin(accounts, false, message, encoded);
      for (const until = performance.now() + extraMs; performance.now() < until;);
    };
  };
  const [known, unknown] = [prepare("alice"), prepare("carol")];
  await shareSlower(known, unknown, { pairs: 10, tries: 4 }); // the first ones are slow
  const pairs = 300;
  const share = await shareSlower(known, unknown, { pairs, tries: 4 });
  assert.ok(Math.abs(share - 0.5) <= bound(pairs), `slower with an account: ${share} of pairs`);
  // And a difference would show: a fifth of a login's time more.
  const slowed = await shareSlower(prepare("alice", 0.2), unknown, { pairs: 100, tries: 4 });
  assert.ok(slowed - 0.5 > bound(100), `slowed: ${slowed} of pairs`);
  database.close();
});

// Takes seconds: some thousand logins.
Deno.test("over the network an answer takes as long without an account as with one", async () => {
  const plenty = { burst: Infinity, intervalMs: 1 };
  await using server = await TestServer.start([ALICE], {
    pacing: { account: plenty, address: plenty, pair: plenty },
    limits: { loginsPerConnection: Infinity },
  });
  using guesser = await Guesser.come(server.port);
  const prepare = (username: string): Prepare => () => {
    const encoded = encodeClientMessage(request(username));
    return async () => {
      guesser.channel.send(encoded);
      assert.equal((await guesser.hear()).type, "login_response");
    };
  };
  const [known, unknown] = [prepare("alice"), prepare("carol")];
  await shareSlower(known, unknown, { pairs: 10, tries: 4 });
  const pairs = 150;
  const share = await shareSlower(known, unknown, { pairs, tries: 4 });
  assert.ok(Math.abs(share - 0.5) <= bound(pairs), `slower with an account: ${share} of pairs`);
});
