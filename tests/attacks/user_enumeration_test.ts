/**
 * The course project's server said which of name and password was wrong. Here nothing that a
 * stranger gets tells whether there is an account: not the answers, not their sizes, not how he is
 * throttled; and how long they take is weighed in `user_timing_test.ts`.
 *
 * Two things do show, and the last tests say so: who knows the password of an account finds out by
 * logging in, at the price of a guess; and who shares a known user's address and has another one can
 * tell that this user has logged in from there, since such pairs have a pace of their own.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { DatabaseSync } from "node:sqlite";
import { Accounts } from "../../lib/auth/accounts.ts";
import { clientLoginFinish, clientLoginStart } from "../../lib/auth/opaque.ts";
import { openDatabase } from "../../lib/database.ts";
import { encodeClientMessage, type ServerMessage } from "../../lib/protocol/messages.ts";
import { startLogin } from "../../lib/server/login.ts";
import type { LogFields, Logger } from "../../lib/server/logger.ts";
import type { PacingOptions } from "../../lib/server/login_pacing.ts";
import { ELSEWHERE, Guesser, HOME } from "./guesser.ts";
import { Proxy } from "./proxy.ts";
import { addAccounts, ALICE, BOB, MALLORY, TempFolder, TestServer } from "./server.ts";

/** A name that has an account; all others below have none that can log in. */
const KNOWN = ALICE.username;
const REMOVED = BOB.username;
const HIDDEN_DEMO = MALLORY.username;

const NAMES: Record<string, string> = {
  "an account, in other letters": "ALICE",
  "nobody": "nobody",
  "a removed account": REMOVED,
  "the demo account where it is not allowed": HIDDEN_DEMO,
  "one letter": "x",
  "the longest name": "x".repeat(128),
  "the most bytes": "\u{1f332}".repeat(64),
  "full-width letters": "ａｌｉｃｅ",
  "a Cyrillic а": "аlice",
  "an account and a blank": "alice ",
  "an account and a NUL": "alice\0",
  "NULs": "\0\0",
  "escapes and bidi controls": "\u001b[2J\u202ealice",
  "SQL": "' OR name = 'alice' --",
  "a wildcard": "%",
};

/** A database with one account, one that was removed, and a demo account that may not log in. */
class Town implements Disposable {
  readonly #folder: TempFolder;
  readonly #database: DatabaseSync;

  private constructor(folder: TempFolder, database: DatabaseSync, readonly accounts: Accounts) {
    this.#folder = folder;
    this.#database = database;
  }

  static async found(): Promise<Town> {
    const folder = new TempFolder();
    const db = folder.file("chat_logs.db");
    await addAccounts(db, [ALICE, BOB]);
    const database = openDatabase(db);
    const accounts = await Accounts.open(database, db);
    database.exec(
      `INSERT INTO accounts SELECT '${HIDDEN_DEMO}', record, 1, created_at, role, 0 FROM accounts
       WHERE name = '${REMOVED}'`,
    );
    accounts.remove(REMOVED);
    return new Town(folder, database, accounts);
  }

  /** Starts a server for it. */
  serve(pacing: Partial<PacingOptions>, logger?: Logger): Promise<TestServer> {
    const db = this.#folder.file("chat_logs.db");
    return TestServer.start([], { db, pacing, ...(logger === undefined ? {} : { logger }) });
  }

  [Symbol.dispose](): void {
    this.#database.close();
    this.#folder[Symbol.dispose]();
  }
}

/** All that a server says to its operator. */
class Journal {
  readonly lines: { level: string; event: string; fields: LogFields }[] = [];
  readonly logger: Logger = {
    error: (event, fields = {}) => this.#note("error", event, fields),
    warn: (event, fields = {}) => this.#note("warn", event, fields),
    info: (event, fields = {}) => this.#note("info", event, fields),
    debug: (event, fields = {}) => this.#note("debug", event, fields),
  };

  #note(level: string, event: string, fields: LogFields): void {
    this.lines.push({ level, event, fields: { ...fields, peer: undefined } });
  }
}

/** The form of a message: its fields in order, with types and lengths. */
function formOf(message: ServerMessage): string[] {
  return Object.entries(message).map(([name, value]) =>
    name === "type" ? `type ${value}` : `${name} ${typeof value} of ${String(value).length}`
  );
}

/** What a stranger and the operator see of two failed logins on one connection, and a false proof. */
async function observe(
  proxy: Proxy,
  journal: Journal,
  username: string,
): Promise<{ [what: string]: unknown }> {
  journal.lines.length = 0;
  using guesser = await Guesser.come(proxy.port);
  const forms: string[][] = [];
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await guesser.ask(username);
    forms.push(formOf(await guesser.hear()));
  }
  const ke3 = Buffer.alloc(64, 7).toString("base64url");
  guesser.channel.send(encodeClientMessage({ type: "login_finish", ke3 }));
  const end = await guesser.channel.receive().catch((error) => error.code);
  const { link } = proxy;
  await link.closed;
  const frames = link.recorded.toClient.map((frame) => frame.length);
  return { forms, end, frames, writes: link.forwarded.toClient.length, log: [...journal.lines] };
}

Deno.test("a wrong password and no account look the same, on the wire and in the operator's log", async (t) => {
  using town = await Town.found();
  const journal = new Journal();
  const plenty = { burst: 1_000, intervalMs: 1 };
  await using server = await town.serve(
    { account: plenty, address: plenty, pair: plenty },
    journal.logger,
  );
  await using proxy = new Proxy(server.port);
  const known = await observe(proxy, journal, KNOWN);
  assert.deepEqual(known["forms"], Array(2).fill(["type login_response", "ke2 string of 427"]));
  assert.equal(known["end"], "connection-cut");
  for (const [what, username] of Object.entries(NAMES)) {
    await t.step(what, async () => {
      const seen = await observe(proxy, journal, username);
      assert.deepEqual(seen, known);
      const written = JSON.stringify(seen["log"]);
      assert.ok(username.length < 3 || !written.includes(JSON.stringify(username).slice(1, -1)));
    });
  }
});

Deno.test("a guesser is throttled after as many attempts, in the same words, whether or not there is an account", async () => {
  using town = await Town.found();
  const account = { burst: 2, intervalMs: 5_000 };
  await using server = await town.serve({ account, maxDelayMs: 0, now: () => 0 });
  const answers = async (username: string): Promise<unknown[]> => {
    using guesser = await Guesser.come(server.port);
    const heard = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await guesser.ask(username);
      const answer = await guesser.hear();
      heard.push(answer.type === "error" ? answer : answer.type);
    }
    return heard;
  };
  const known = await answers(KNOWN);
  assert.deepEqual(known.map((one) => typeof one), ["string", "string", "object", "object"]);
  for (const username of Object.values(NAMES).filter((name) => !/^alice$/i.test(name))) {
    assert.deepEqual(await answers(username), known, JSON.stringify(username));
  }
});

/** Bytes of `ke2` (RFC 9807 section 6.1) that the client's request and the name alone decide. */
const EVALUATED_ELEMENT = 32;

/** A server's answers to one request of a client that is sent again and again. */
function replay(accounts: Accounts, username: string, ke1: string, times: number): Buffer[] {
  const message = { type: "login_start", username, ke1 } as const;
  return Array.from({ length: times }, () => {
    const [, response] = startLogin(accounts, false, message, new Uint8Array()).messages;
    return Buffer.from(JSON.parse(new TextDecoder().decode(response)).ke2, "base64url");
  });
}

/** The bits that are the same in all answers, as a mask. */
function stableBits([first, ...others]: Buffer[]): string {
  const mask = Buffer.alloc(first?.length ?? 0, 0xff);
  for (const other of others) {
    mask.forEach((bits, at) => mask[at] = bits & ~((first?.[at] ?? 0) ^ (other[at] ?? 0)));
  }
  return mask.toString("hex");
}

Deno.test("a request sent again gets the same parts again, and new ones, for all names alike", async () => {
  using town = await Town.found();
  const { accounts } = town;
  const { ke1 } = clientLoginStart("alice", "a guess");
  // Another 63 times: that a bit which is drawn anew stays the same by chance has odds of 2^-63.
  const known = stableBits(replay(accounts, KNOWN, ke1, 64));
  // The key share is a group element (RFC 9496 section 4.3.2): even, and below 2^255.
  const elementBits = `01${"00".repeat(30)}80`;
  const masked = "00".repeat(32 + 32 + 96 + 32); // masking nonce, masked response, server nonce
  const mac = "00".repeat(64);
  assert.equal(known, "ff".repeat(EVALUATED_ELEMENT) + masked + elementBits + mac);
  for (const [what, username] of Object.entries(NAMES)) {
    assert.equal(stableBits(replay(accounts, username, ke1, 64)), known, what);
  }
});

Deno.test("the part that stays is a name's own, and outlives that its account comes and goes", async () => {
  using town = await Town.found();
  const { accounts } = town;
  const { ke1 } = clientLoginStart("carol", "a guess");
  const element = (username: string): string =>
    replay(accounts, username, ke1, 1)[0]?.subarray(0, EVALUATED_ELEMENT).toString("hex") ?? "";
  const before = element("carol");
  assert.equal(element("CAROL"), before);
  const others = [KNOWN, REMOVED, HIDDEN_DEMO, "nobody"].map(element);
  assert.equal(new Set([before, ...others]).size, 5);
  accounts.add("carol", "carol's kettle 12");
  assert.equal(element("carol"), before, "it does not show that there is an account now");
  accounts.setPassword("carol", "carol's new kettle 13");
  assert.equal(element("carol"), before, "nor that its password was changed");
  accounts.remove("carol");
  assert.equal(element("carol"), before, "nor that it is gone");
});

Deno.test("what shows all the same: a right password, which costs a guess like any other", async () => {
  using town = await Town.found();
  const { accounts } = town;
  const isRight = (username: string, password: string): boolean => {
    const { pending, ke1 } = clientLoginStart(username, password);
    const [ke2] = replay(accounts, username, ke1, 1);
    return clientLoginFinish(pending, ke2?.toString("base64url") ?? "") !== undefined;
  };
  assert.ok(isRight(KNOWN, ALICE.password));
  assert.ok(!isRight(REMOVED, BOB.password));
  assert.ok(!isRight(HIDDEN_DEMO, BOB.password));
});

Deno.test("what shows all the same: that a user has logged in from an address that one shares", async () => {
  await using server = await TestServer.start([ALICE, BOB], {
    pacing: { account: { burst: 2, intervalMs: 3_600_000 }, maxDelayMs: 0, now: () => 0 },
  });
  await (await server.connect(ALICE)).close();
  const probe = async (username: string): Promise<string> => {
    using elsewhere = await Guesser.come(server.port, ELSEWHERE);
    for (let attempt = 0; attempt < 2; attempt += 1) await elsewhere.guess(username);
    assert.equal(await elsewhere.guess(username), "login-throttled");
    using neighbour = await Guesser.come(server.port, HOME);
    return await neighbour.guess(username);
  };
  assert.equal(await probe("alice"), "login_response"); // her own pace at home is not used up
  assert.equal(await probe("bob"), "login-throttled"); // he has an account, but not been here
  assert.equal(await probe("nobody"), "login-throttled");
});
