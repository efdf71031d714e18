/**
 * A database that the first version made: `testdata/version-1.sqlite`, written by the programs of
 * commit ffa4023 (`user add` for alice and Admin, three messages in the lobby with the
 * key below, a stop that leaves one file). Opened with this version, it keeps everything.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Accounts } from "../lib/auth/accounts.ts";
import { connect } from "../lib/client/connection.ts";
import { openDatabase } from "../lib/database.ts";
import { EnvironmentError, LoginError } from "../lib/errors.ts";
import { CONSOLE, Operations } from "../lib/server/operations.ts";
import { assertFails, assertThrows, TestServer } from "./attacks/server.ts";
import { OldDatabase } from "./old_database.ts";
import { runProgram } from "./scenario/programs.ts";

const PASSWORDS = { alice: "alice's lamp-oil 71", Admin: "admin's brass button 35" };

/** What the server of that version printed when it stopped. */
const HEAD = {
  room: "lobby",
  seq: 3,
  chain: "40c9e68e4871c0ac72a48e3f4fa914d67398b2d89b6563af8d331913482d59ae",
};

const TEXTS: [string, string][] = [
  ["alice", "hello from the previous version"],
  ["alice", "second line: 你好"],
  ["Admin", "Admin was here"],
];

/** A copy of it. */
class Old extends OldDatabase {
  constructor() {
    super(1);
  }

  assertMessagesKept(): Promise<void> {
    return this.assertMessages(TEXTS, [HEAD]);
  }
}

Deno.test("messages are kept: the chain ends in the head that was printed, the key reads them", async () => {
  using old = new Old();
  await old.assertMessagesKept(); // by readers, which migrate nothing
  assert.equal(old.version(), 1);
  old.migrate();
  await old.assertMessagesKept();
});

Deno.test("accounts are kept as members, whatever their names; the lobby is there, nothing else", async () => {
  using old = new Old();
  const database = openDatabase(old.path);
  const { accounts, audit, rooms } = await Operations.open(database, old.path);
  assert.deepEqual(
    accounts.list().map(({ name, role, demo, sessionEpoch }) => [name, role, demo, sessionEpoch]),
    [["Admin", "member", false, 0], ["alice", "member", false, 0]],
  );
  assert.match(accounts.get("alice").created_at, /^2026-11-24T11:45:/);
  assert.deepEqual(rooms.list().map(({ name, kind }) => [name, kind]), [["lobby", "open"]]);
  assert.match(rooms.get("lobby").created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(audit.read(10), []);
  database.close();
});

/** Some logins, each with its key stretching. */
Deno.test("people log in with their passwords and go on with the log, also under a name that is reserved now", async () => {
  using old = new Old();
  await using server = await TestServer.start([], { db: old.path, keyFile: old.keyFile });
  const at = { port: server.port, reconnectForMs: 0 };
  for (const [username, password] of Object.entries(PASSWORDS)) {
    const chat = await connect({ ...at, username: username.toUpperCase(), password });
    assert.equal(chat.user, username);
    await chat.close();
  }
  const wrong = connect({ ...at, username: "alice", password: PASSWORDS.Admin });
  await assertFails(wrong, LoginError, "login-refused");
  assert.deepEqual(await server.running.heads(), [HEAD]);
});

Deno.test("an account under a name that is reserved now can be given a role and a password", async () => {
  using old = new Old();
  const database = openDatabase(old.path);
  const operations = await Operations.open(database, old.path);
  operations.setRole(CONSOLE, "admin", "operator");
  operations.setPassword(CONSOLE, "admin", "a new lamp");
  assert.equal(operations.accounts.get("Admin").role, "operator");
  assertThrows(() => operations.accounts.checkNew("a1ice"), EnvironmentError, "name-similar");
  database.close();
});

Deno.test("a migration that fails half-way leaves the file as it was, and the next one succeeds", async () => {
  using old = new Old();
  const sabotage = new DatabaseSync(old.path);
  sabotage.exec("CREATE TABLE audit (id)"); // the last table of the step
  sabotage.close();
  assertThrows(() => openDatabase(old.path), EnvironmentError, "database-failed");
  assert.equal(old.version(), 1);
  const repair = new DatabaseSync(old.path);
  const tables = repair.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  assert.ok(!tables.some(({ name }) => name === "rooms"), "no table of the step is there");
  repair.exec("DROP TABLE audit");
  repair.close();
  old.migrate();
  await old.assertMessagesKept();
});

Deno.test("two programs that open it at the same moment both find it migrated, once", async () => {
  using old = new Old();
  const list = (): ReturnType<typeof runProgram> =>
    runProgram("server", ["user", "list", "--db", old.path]);
  for (const { code, stdout, stderr } of await Promise.all([list(), list()])) {
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout.join("\n"), /^NAME .*\nAdmin +member .*\nalice +member /);
  }
  assert.equal(old.version(), 3);
});

Deno.test("the server's secrets are kept: without them no password would fit any more", async () => {
  using old = new Old();
  const before = new DatabaseSync(old.path);
  const secret = before.prepare("SELECT value FROM secrets WHERE name = 'opaque_setup'").get();
  before.close();
  const database = openDatabase(old.path);
  assert.equal((await Accounts.open(database, old.path)).setup, secret?.["value"]);
  database.close();
});
