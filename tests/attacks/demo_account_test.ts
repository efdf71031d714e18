/**
 * The course project's password was in its source. The demo account's is, too: so it works on this
 * machine alone, and only until there is an account of someone's own. No public address is bound
 * here: 192.0.2.1 (RFC 5737) belongs to nobody, so that binding it fails by itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Accounts, DEMO } from "../../lib/auth/accounts.ts";
import { clientLoginStart } from "../../lib/auth/opaque.ts";
import type { Credentials } from "../../lib/client/login.ts";
import { openDatabase } from "../../lib/database.ts";
import { EnvironmentError, ExitCode, LoginError } from "../../lib/errors.ts";
import { encodeClientMessage } from "../../lib/protocol/messages.ts";
import { startLogin } from "../../lib/server/login.ts";
import { isLoopback } from "../../lib/server/demo.ts";
import {
  addAccounts,
  ALICE,
  assertFails,
  assertHeard,
  nextEvent,
  TempFolder,
  TestServer,
} from "./server.ts";

const demo: Credentials = { username: DEMO.name, password: DEMO.password };
const nobodys = { host: "192.0.2.1" };

for (const host of ["0.0.0.0", "::", "192.0.2.1", "chat.invalid"]) {
  Deno.test(`a server with the demo account alone does not start on ${host}`, async () => {
    const error = await assertFails(
      TestServer.start([], { host }),
      EnvironmentError,
      "no-accounts",
    );
    assert.equal(error.exitCode, ExitCode.failure);
    assert.ok(error.message.includes(host));
    assert.match(error.hint ?? "", /user add/);
    assert.match(error.hint ?? "", /--demo/);
  });
}

Deno.test("the demo account is refused before anything listens, and only that", async () => {
  // Had it tried to listen, this address would have given cannot-listen: as it does when allowed.
  await assertFails(TestServer.start([], nobodys), EnvironmentError, "no-accounts");
  const allowed = TestServer.start([], { ...nobodys, demo: true });
  await assertFails(allowed, EnvironmentError, "cannot-listen");
  const own = TestServer.start([ALICE], nobodys);
  await assertFails(own, EnvironmentError, "cannot-listen");
});

Deno.test("isLoopback() knows what this machine alone can reach", () => {
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1"]) {
    assert.ok(isLoopback(host), host);
  }
  for (
    const host of [
      "0.0.0.0",
      "::",
      "",
      "10.0.0.1",
      "128.0.0.1",
      "127.0.0.1.example.org",
      "localhost.example.org",
      "::ffff:10.0.0.1",
      "127.0.0.1 ",
      "example.org",
    ]
  ) {
    assert.ok(!isLoopback(host), host);
  }
});

Deno.test("on loopback the demo account works out of the box, in several clients", async () => {
  await using server = await TestServer.start([]);
  await using one = await server.connect(demo);
  await using other = await server.connect(demo);
  await assertHeard(one, other, "hello");
  await assertHeard(other, one, "hello too");
});

Deno.test("an own account ends the demo account and its sessions while the server runs", async () => {
  await using server = await TestServer.start([]);
  await using before = await server.connect(demo);
  await addAccounts(server.db, [ALICE]);
  await assertFails(server.connect(demo), LoginError, "login-refused");
  const { reason, message } = await nextEvent(before, "closed");
  assert.equal(reason, "account-removed");
  assert.match(message, /The demo is over/);
});

Deno.test("a demo account that is put back by hand beside an own one is refused", async () => {
  using folder = new TempFolder();
  const template = folder.file("demo.db");
  {
    const database = openDatabase(template);
    (await Accounts.open(database, template)).ensureDemo();
    database.exec(
      `INSERT INTO accounts SELECT 'other', record, 0, created_at, role, 0 FROM accounts`,
    );
    database.close();
  }
  await using server = await TestServer.start([], { db: template });
  await assertFails(server.connect(demo), LoginError, "login-refused");
});

Deno.test("a demo account in the database is refused where it is not allowed", async () => {
  using folder = new TempFolder();
  const path = folder.file("demo.db");
  const database = openDatabase(path);
  const accounts = await Accounts.open(database, path);
  accounts.ensureDemo();
  const { ke1 } = clientLoginStart(demo.username, demo.password);
  const message = { type: "login_start", username: demo.username, ke1 } as const;
  const encoded = encodeClientMessage(message);
  assert.equal(startLogin(accounts, true, message, encoded).account, demo.username);
  assert.equal(startLogin(accounts, false, message, encoded).account, undefined);
  database.close();
});
