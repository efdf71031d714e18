/**
 * The course project's database had every text and password in the clear. Here a thief copies all
 * of a server's files, while it runs and after it stopped.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { client as opaqueClient } from "@serenity-kit/opaque";
import { Accounts, DEMO } from "../../lib/auth/accounts.ts";
import { clientLoginFinish, clientLoginStart, serverLoginStart } from "../../lib/auth/opaque.ts";
import type { Credentials } from "../../lib/client/login.ts";
import { openDatabase } from "../../lib/database.ts";
import { ALICE, assertHeard, BOB, TestServer } from "./server.ts";

const TEXTS = ["the safe is behind the painting", "Ünïcode: 金庫は絵の後ろ"];

/** The bytes of the database and of the journals beside it. */
function files(server: TestServer): Map<string, Buffer> {
  const names = [...Deno.readDirSync(server.folder.path)].map(({ name }) => name);
  return new Map(
    names.map((name) => [name, Buffer.from(Deno.readFileSync(server.folder.file(name)))]),
  );
}

function assertNoneInside(stolen: Map<string, Buffer>, secrets: readonly Uint8Array[]): void {
  for (const [name, bytes] of stolen) {
    for (const secret of secrets) {
      for (const form of forms(Buffer.from(secret))) {
        assert.ok(!bytes.includes(form), `${name} has ${secret}`);
      }
    }
  }
}

/** A secret as it could stand in a file; what has less than 5 bytes also comes up by chance. */
function forms(secret: Buffer): Buffer[] {
  const base64 = secret.toString("base64").slice(0, -4); // the end depends on what follows
  const all = [secret, Buffer.from(secret.toString("hex")), Buffer.from(base64)];
  return all.filter(({ length }) => length >= 5);
}

for (
  const [name, people] of [
    ["own accounts", [ALICE, BOB]],
    ["the demo account", []],
  ] as const
) {
  Deno.test(`a stolen database with ${name} holds tokens, and no text, key or password`, async () => {
    await using server = await TestServer.start(people, {}, "chosen");
    const demo = { username: DEMO.name, password: DEMO.password };
    const [first, second] = people.length === 0 ? [demo, demo] : people;
    const one = await server.connect(first as Credentials);
    const other = await server.connect(second as Credentials);
    for (const text of TEXTS) await assertHeard(one, other, text);
    const utf8 = new TextEncoder();
    const key = Buffer.from(server.key, "base64url");
    const secrets = [
      ...TEXTS.map((text) => utf8.encode(text)),
      utf8.encode(TEXTS[0]?.slice(0, 12)), // nor any part of it
      ...[first, second].map((who) => utf8.encode((who as Credentials).password)),
      utf8.encode(server.key),
      key.subarray(0, 16),
      key.subarray(16),
    ];
    const running = files(server);
    assert.ok([...running.keys()].some((file) => file.endsWith("-wal")));
    assertNoneInside(running, secrets);
    const tokens = server.entries().map(({ token }) => token);
    assert.equal(tokens.length, TEXTS.length);
    const together = Buffer.concat([...running.values()]);
    for (const token of tokens) assert.ok(together.includes(token)); // the search works
    assert.deepEqual(server.texts(), TEXTS); // and with the key they are the texts
    await Promise.all([one.close(), other.close()]);
    await server.stop();
    assertNoneInside(files(server), secrets);
  });
}

Deno.test("every file of the database is for its owner alone", {
  ignore: Deno.build.os === "windows",
}, async () => {
  await using server = await TestServer.start([ALICE]);
  for (const name of files(server).keys()) {
    assert.equal((Deno.statSync(server.folder.file(name)).mode ?? 0) & 0o777, 0o600, name);
  }
});

/** What a thief tries with a record and the server's secrets: a login with himself. */
class Thief {
  readonly setup: string;
  readonly record: string;

  private constructor(setup: string, record: string) {
    this.setup = setup;
    this.record = record;
  }

  static async steal(server: TestServer, username: string): Promise<Thief> {
    const database = openDatabase(server.db);
    try {
      const accounts = await Accounts.open(database, server.db);
      return new Thief(accounts.setup, accounts.find(username)?.record as string);
    } finally {
      database.close();
    }
  }

  guess(password: string): boolean {
    const { pending, ke1 } = clientLoginStart("alice", password);
    const { ke2 } = serverLoginStart(this.setup, "alice", this.record, ke1);
    return clientLoginFinish(pending, ke2) !== undefined;
  }

  /** The same with a key stretching that costs next to nothing. */
  cheapGuess(password: string): boolean {
    const { clientLoginState, startLoginRequest } = opaqueClient.startLogin({ password });
    const { ke2 } = serverLoginStart(this.setup, "alice", this.record, startLoginRequest);
    const result = opaqueClient.finishLogin({
      clientLoginState,
      loginResponse: ke2,
      password,
      identifiers: { client: "alice", server: "fernchat" },
      keyStretching: { "argon2id-custom": { iterations: 1, memory: 8, parallelism: 1 } },
    });
    return result !== undefined;
  }
}

Deno.test("a thief of the database has to guess each password, through Argon2id", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  const thief = await Thief.steal(server, "alice");
  // A wrong guess shows nothing but that it is wrong; the right one needs the full stretching
  // (64 MiB, 3 passes: RFC 9106 section 4, second choice), and so does every try before it.
  assert.equal(thief.guess("password1"), false);
  assert.equal(thief.guess(ALICE.password), true);
  assert.equal(thief.cheapGuess(ALICE.password), false);
});

Deno.test("a stolen record does not log in: not as a password, nor as a proof", async () => {
  await using server = await TestServer.start([ALICE]);
  const thief = await Thief.steal(server, "alice");
  assert.equal(thief.guess(thief.record), false);
  assert.ok(!thief.record.includes(Buffer.from(ALICE.password).toString("base64url")));
});

Deno.test("equal passwords have unequal records, and one server's fits no other", async () => {
  const same = { ...BOB, password: ALICE.password };
  await using server = await TestServer.start([ALICE, same]);
  await using other = await TestServer.start([ALICE]);
  const one = await Thief.steal(server, "alice");
  const two = await Thief.steal(server, "bob");
  const three = await Thief.steal(other, "alice");
  assert.equal(new Set([one.record, two.record, three.record]).size, 3);
  for (let at = 0; at + 16 <= one.record.length; at++) {
    assert.ok(!two.record.includes(one.record.slice(at, at + 16)));
  }
});
