/**
 * A database that the version before this one made: `testdata/version-1.sqlite`, written by the
 * programs of commit ffa4023 (`user add` for alice and Admin, three messages in the lobby with the
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
import { FernetKey, KeyRing } from "../lib/fernet.ts";
import { LogReader } from "../lib/log/log_reader.ts";
import { verifyLog } from "../lib/log/verify.ts";
import { openText } from "../lib/rooms/open_room.ts";
import { CONSOLE, Operations } from "../lib/server/operations.ts";
import { assertFails, assertThrows, TempFolder, TestServer } from "./attacks/server.ts";
import { runProgram } from "./scenario/programs.ts";

const FIXTURE = new URL("testdata/version-1.sqlite", import.meta.url);
const KEY = "q27KQ7LMCUZsdiM0hGHK0hTA2lTbLrYRy1kP6X0Fm8E=";
const PASSWORDS = { alice: "alice's lamp-oil 71", Admin: "admin's brass button 35" };

/** What the server of that version printed when it stopped. */
const HEAD = {
  room: "lobby",
  seq: 3,
  chain: "40c9e68e4871c0ac72a48e3f4fa914d67398b2d89b6563af8d331913482d59ae",
};

const TEXTS = [
  ["alice", "hello from the previous version"],
  ["alice", "second line: 你好"],
  ["Admin", "Admin was here"],
];

/** A copy of that database in a folder of its own. */
class Old implements Disposable {
  readonly #folder = new TempFolder();
  readonly path = this.#folder.file("chat_logs.db");
  readonly keyFile = this.#folder.file("keys");

  constructor() {
    Deno.copyFileSync(FIXTURE, this.path);
    Deno.writeTextFileSync(this.keyFile, `${KEY}\n`);
    assert.equal(this.version(), 1, "the fixture is of the first version");
  }

  /** Its schema's version, as it is in the file. */
  version(): unknown {
    const database = new DatabaseSync(this.path);
    const row = database.prepare("PRAGMA user_version").get();
    database.close();
    return row?.["user_version"];
  }

  /** Opens it with this version, as a server's start does. */
  migrate(): void {
    openDatabase(this.path).close();
    assert.equal(this.version(), 3);
  }

  async assertMessagesKept(): Promise<void> {
    using reader = LogReader.open(this.path);
    const rows = await Array.fromAsync(reader.rows({}));
    const ring = new KeyRing([FernetKey.parse(KEY)]);
    const texts = rows.map((row) => {
      const { room, sender, messageId: id, sentAt: sent_at } = row;
      return [sender, openText(ring, { room, sender, id, sent_at }, row)];
    });
    assert.deepEqual(texts, TEXTS);
    const verdict = await verifyLog(reader.rows({}), [HEAD]);
    assert.deepEqual([verdict.rows, verdict.fault], [3, undefined]);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
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
