/**
 * Accounts: their rules, the demo account's end, and changes that another process makes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Accounts, DEMO } from "../../lib/auth/accounts.ts";
import { Sanctions } from "../../lib/auth/sanctions.ts";
import { clientRegisterStart } from "../../lib/auth/opaque.ts";
import { receive, send } from "../../lib/client/exchange.ts";
import { changePassword, login } from "../../lib/client/login.ts";
import { dial } from "../../lib/client/dial.ts";
import { openDatabase } from "../../lib/database.ts";
import { CallerError, EnvironmentError, LoginError } from "../../lib/errors.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import { ALICE, assertFails, assertThrows, TempFolder, TestServer } from "../attacks/server.ts";

/** The accounts of a database of their own. */
async function openAccounts(path: string): Promise<Accounts & Disposable> {
  const database = openDatabase(path);
  const accounts = await Accounts.open(database, path);
  return Object.assign(accounts, { [Symbol.dispose]: () => database.close() });
}

Deno.test("add(), find(), list() and remove() know one account by every spelling", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  accounts.add("Alice", "pw");
  assert.equal(accounts.find("aLICE")?.name, "Alice");
  assert.deepEqual(accounts.list().map(({ name, demo }) => [name, demo]), [["Alice", false]]);
  assert.match(accounts.find("alice")?.created_at ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const taken = assertThrows(() => accounts.add("ALICE", "pw"), EnvironmentError, "name-taken");
  assert.match(taken.hint ?? "", /choose another name/);
  accounts.remove("alice");
  assert.equal(accounts.find("Alice"), undefined);
});

Deno.test("an unknown name cannot be removed, nor get a password", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  for (
    const act of [
      () => accounts.remove("nobody"),
      () => accounts.setPassword("nobody", "pw"),
      () => accounts.setRecord("nobody", "record"),
      () => accounts.endSessions("nobody"),
      () => accounts.get("nobody"),
    ]
  ) {
    assertThrows(act, EnvironmentError, "name-unknown");
  }
});

Deno.test("add() takes names of 1 to 32 plain characters, and nothing else", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  for (const name of ["a", "7", "A.b_c-9", "x".repeat(32)]) {
    accounts.add(name, "pw");
    assert.equal(accounts.find(name)?.name, name);
  }
  const bad = ["", "x".repeat(33), ".a", "-a", "_a", "a b", "a\n", "ä", "a/b", "a\u202eb", "a:b"];
  for (const name of bad) {
    const error = assertThrows(() => accounts.add(name, "pw"), CallerError, "name-invalid");
    assert.match(error.hint ?? "", /1 to 32/);
  }
});

Deno.test("add() and setPassword() take passwords of 1 to 1024 characters", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  accounts.add("longest", "x".repeat(1024));
  for (const size of [0, 1025]) {
    const password = "x".repeat(size);
    assertThrows(() => accounts.add("bob", password), CallerError, "password-invalid");
    assertThrows(() => accounts.setPassword("longest", password), CallerError, "password-invalid");
  }
  assert.equal(accounts.find("bob"), undefined);
});

Deno.test("ensureDemo() makes the demo account in an empty table alone, once", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  accounts.ensureDemo();
  const made = accounts.find(DEMO.name);
  assert.equal(made?.demo, true);
  assert.equal(accounts.hasOwn(), false);
  accounts.ensureDemo();
  assert.equal(accounts.find(DEMO.name)?.record, made?.record);
});

Deno.test("add() ends the demo account, also by taking its name", async () => {
  using folder = new TempFolder();
  for (const name of ["alice", DEMO.name]) {
    using accounts = await openAccounts(folder.file(`${name}.db`));
    accounts.ensureDemo();
    accounts.add(name, "own");
    assert.deepEqual(accounts.list().map((one) => [one.name, one.demo]), [[name, false]]);
    assert.equal(accounts.hasOwn(), true);
    accounts.ensureDemo();
    assert.equal(accounts.list().length, 1);
  }
});

Deno.test("add() refuses reserved names and look-alikes of accounts before anything is done", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  accounts.ensureDemo();
  assertThrows(() => accounts.add("Admin", "pw"), CallerError, "name-reserved");
  assert.equal(accounts.find(DEMO.name)?.demo, true);
  accounts.create("userl", "record", "member"); // the demo account goes: nothing to look like
  assertThrows(() => accounts.add("user1", "pw"), EnvironmentError, "name-similar");
  assert.deepEqual(accounts.list().map(({ name }) => name), ["userl"]);
});

Deno.test("create() checks the name, ends the demo account, and stores the record as it is", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  accounts.ensureDemo();
  assertThrows(() => accounts.create("../x", "record", "member"), CallerError, "name-invalid");
  assert.equal(accounts.list()[0]?.demo, true);
  accounts.create("Alice", "record", "operator");
  const { record, role, demo } = accounts.find("alice") ?? {};
  assert.deepEqual([record, role, demo], ["record", "operator", false]);
  assert.equal(accounts.find(DEMO.name), undefined);
  const again = (): void => accounts.create("ALICE", "other", "member");
  assertThrows(again, EnvironmentError, "name-taken");
  assert.equal(accounts.find("alice")?.record, "record");
});

Deno.test("a name that another process registers meanwhile is taken", async () => {
  using folder = new TempFolder();
  using one = await openAccounts(folder.file("a.db"));
  using other = await openAccounts(folder.file("a.db"));
  for (const accounts of [one, other]) accounts.checkNew("alice"); // both could
  other.create("Alice", "theirs", "member");
  assertThrows(() => one.create("alice", "ours", "member"), EnvironmentError, "name-taken");
  assert.equal(one.find("alice")?.record, "theirs");
});

Deno.test("accounts begin as members; setRole() changes that, but not for the demo account", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  accounts.ensureDemo();
  assertThrows(() => accounts.setRole("user1", "operator"), EnvironmentError, "demo-account");
  accounts.add("alice", "pw");
  assert.equal(accounts.get("alice").role, "member");
  accounts.setRole("ALICE", "operator");
  assert.deepEqual(accounts.list().map(({ name, role }) => [name, role]), [["alice", "operator"]]);
  assert.equal(accounts.findForLogin("alice").account?.role, "operator");
  assertThrows(() => accounts.setRole("bob", "member"), EnvironmentError, "name-unknown");
});

Deno.test("an operator's new password ends sessions, as endSessions() does; a user's own does not", async () => {
  using folder = new TempFolder();
  using accounts = await openAccounts(folder.file("a.db"));
  accounts.create("alice", "record", "member");
  accounts.create("bob", "record", "member");
  const epochs = (): number[] => accounts.list().map(({ sessionEpoch }) => sessionEpoch);
  const [alice = NaN, bob = NaN] = epochs();
  accounts.setRecord("alice", "her own");
  assert.deepEqual(epochs(), [alice, bob]);
  accounts.setPassword("alice", "a new lamp");
  assert.deepEqual(epochs(), [alice + 1, bob]);
  accounts.endSessions("ALICE");
  assert.deepEqual(epochs(), [alice + 2, bob]);
  assert.equal(accounts.find("alice")?.sessionEpoch, alice + 2);
});

Deno.test("an account is another one than an earlier one of its name: sessions, bans and mutes end", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  using accounts = await openAccounts(path);
  const database = openDatabase(path);
  const sanctions = new Sanctions(database, path);
  accounts.create("alice", "record", "member");
  const first = accounts.get("alice").sessionEpoch;
  sanctions.impose("ALICE", "ban", { until: undefined, reason: "" });
  accounts.remove("alice");
  while (Date.now() <= first); // the clock's next millisecond, as any other process is slower
  accounts.create("alice", "record", "member");
  assert.ok(accounts.get("alice").sessionEpoch > first);
  assert.equal(sanctions.find("alice", "ban"), undefined);
  database.close();
});

Deno.test("the server's secrets are made once, and what another process changes is seen", async () => {
  using folder = new TempFolder();
  using one = await openAccounts(folder.file("a.db"));
  using other = await openAccounts(folder.file("a.db"));
  assert.equal(one.setup, other.setup);
  one.add("alice", "pw");
  assert.equal(other.find("alice")?.name, "alice");
  other.remove("alice");
  assert.equal(one.find("alice"), undefined);
});

/** Tries to log in on a connection of its own. */
async function tryLogin(port: number, username: string, password: string): Promise<string> {
  const channel = await dial({ hostname: "127.0.0.1", port });
  try {
    return (await login(channel, { username, password })).user;
  } finally {
    await channel.close();
  }
}

Deno.test("login: the right password in any spelling of the name, and nothing else", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  const wrong = { username: "alice", password: "wrong" };
  const unknown = { username: "nobody", password: ALICE.password };
  for (const who of [wrong, unknown]) {
    await assertFails(login(channel, who), LoginError, "login-refused");
  }
  const { user } = await login(channel, { ...ALICE, username: "ALICE" }); // on the same channel
  assert.equal(user, "alice");
  await channel.close();
});

Deno.test("an unknown user's login costs the same bytes as a wrong password", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  const sizes = [];
  for (const username of ["alice", "nobod"]) {
    const channel = await dial({ hostname: "127.0.0.1", port: server.port });
    const counting = countBytes(channel);
    await assertFails(
      login(counting.channel, { username, password: "?" }),
      LoginError,
      "login-refused",
    );
    sizes.push(counting.received());
    await channel.close();
  }
  assert.equal(sizes[0], sizes[1]);
  assert.ok((sizes[0] ?? 0) > 0);
});

/** A channel whose received messages are counted. */
function countBytes(channel: SecureChannel): { channel: SecureChannel; received(): number } {
  let received = 0;
  const receive = channel.receive.bind(channel);
  channel.receive = async () => {
    const message = await receive();
    received += message?.length ?? 0;
    return message;
  };
  return { channel, received: () => received };
}

Deno.test("changePassword(): the old password is refused, the new one works", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  const { user } = await login(channel, ALICE);
  await changePassword(channel, user, "a new lamp");
  await channel.close();
  await assertFails(
    tryLogin(server.port, "alice", ALICE.password),
    LoginError,
    "login-refused",
  );
  assert.equal(await tryLogin(server.port, "alice", "a new lamp"), "alice");
  await server.reported(/alice \(.*\) password changed/);
});

Deno.test("a record that is none is refused, and the old password still works", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  for (const record of ["A", "A".repeat(256)]) {
    const channel = await dial({ hostname: "127.0.0.1", port: server.port });
    await login(channel, ALICE);
    const { request } = clientRegisterStart("alice", "a new lamp");
    send(channel, { type: "register_start", request });
    await receive(channel, "register_response");
    send(channel, { type: "register_finish", record });
    await server.reported(/^alice .*: A login message is not valid$/);
    await channel.close();
  }
  assert.equal(await tryLogin(server.port, ALICE.username, ALICE.password), "alice");
});

Deno.test("a removed account cannot log in any more, while the server runs", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  assert.equal(await tryLogin(server.port, ALICE.username, ALICE.password), "alice");
  {
    using accounts = await openAccounts(server.db);
    accounts.remove("alice");
  }
  const again = tryLogin(server.port, ALICE.username, ALICE.password);
  await assertFails(again, LoginError, "login-refused");
});
