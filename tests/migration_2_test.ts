/**
 * A database that the version before sealed rooms made: `testdata/version-2.sqlite`, written by the
 * programs of commit f861267. It has three accounts, of which olga is an operator, bob is banned and
 * alice muted; the lobby and a slow room, physics, with three messages under the key of the other
 * fixture; an invite, and the trail of all that. Opened with this version, it keeps everything.
 *
 * @module
 */

import assert from "node:assert/strict";
import { redeem } from "../lib/client/redeem.ts";
import { openDatabase } from "../lib/database.ts";
import { EnvironmentError, LoginError } from "../lib/errors.ts";
import { assertFails, assertThrows, TempFolder, TestServer } from "./attacks/server.ts";
import { OldDatabase } from "./old_database.ts";
import { SealedMember } from "./server/sealed_member.ts";

const ALICE = { username: "alice", password: "alice's lamp-oil 71" };
const BOB = { username: "bob", password: "bob's brass button 35" };
const CODE = "jwbvbae4r3hi4tc5xmee4finia";

/** What the server of that version printed when it stopped. */
const HEADS = [
  {
    room: "lobby",
    seq: 2,
    chain: "b44d54c6ccfc04671df1fdb729b21a7bfa3b5c47ba801f613dd927cf7281a8b7",
  },
  {
    room: "physics",
    seq: 1,
    chain: "d0a0db6497cd3cf1107566f249e1ab5d5e0fd6b7adc76fef9078e46969446737",
  },
];

const TEXTS: [string, string][] = [
  ["alice", "hello from version 2"],
  ["alice", "second line: 你好"],
  ["olga", "olga was in physics"],
];

const TABLES = ["messages", "accounts", "secrets", "invites", "rooms", "sanctions", "audit"];
const NEW_TABLES = [
  ...["sealed_rooms", "sealed_members", "commits", "welcomes", "welcomed"],
  ...["blobs", "devices", "key_packages"],
];

/** All rows of these tables. */
function rowsOf(old: OldDatabase, tables: readonly string[]): Record<string, unknown>[][] {
  return tables.map((table) => old.query(`SELECT * FROM ${table} ORDER BY 1, 2`));
}

Deno.test("every row of every table is kept as it was; what is new is empty", () => {
  using old = new OldDatabase(2);
  const before = rowsOf(old, TABLES);
  assert.deepEqual(before.map(({ length }) => length), [3, 3, 1, 1, 2, 2, 8]);
  old.migrate();
  assert.deepEqual(rowsOf(old, TABLES), before);
  assert.deepEqual(rowsOf(old, NEW_TABLES).flat(), []);
});

Deno.test("messages are kept: each room's chain ends in the head that was printed", async () => {
  using old = new OldDatabase(2);
  await old.assertMessages(TEXTS, HEADS); // by readers, which migrate nothing
  assert.equal(old.version(), 2);
  old.migrate();
  await old.assertMessages(TEXTS, HEADS);
});

Deno.test("the tables of a file that was migrated are those of a new one, from every version", () => {
  using folder = new TempFolder();
  const schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";
  const fresh = openDatabase(folder.file("new.db"));
  const wanted = fresh.prepare(schema).all().map((row) => ({ ...row }));
  fresh.close();
  for (const version of [1, 2]) {
    using old = new OldDatabase(version);
    old.migrate();
    assert.deepEqual(old.query(schema), wanted);
    assert.deepEqual(old.query("PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
  }
});

Deno.test("a migration that fails half-way leaves the file as it was, and the next one succeeds", async () => {
  using old = new OldDatabase(2);
  const before = rowsOf(old, TABLES);
  old.query("CREATE TABLE key_packages (id)"); // one of the last of the step, behind the rooms
  assertThrows(() => openDatabase(old.path), EnvironmentError, "database-failed");
  assert.equal(old.version(), 2);
  assert.deepEqual(rowsOf(old, TABLES), before);
  const sealed = "INSERT INTO rooms VALUES ('x', 'sealed', '', 0, '')";
  assert.throws(() => old.query(sealed), /CHECK constraint failed/); // the table of before
  old.query("DROP TABLE key_packages");
  old.migrate();
  await old.assertMessages(TEXTS, HEADS);
});

/** Some logins, each with its key stretching. */
Deno.test("what held goes on: roles, bans, mutes, paces, invites; and sealed rooms are there", async () => {
  using old = new OldDatabase(2);
  await using server = await TestServer.start([], { db: old.path, keyFile: old.keyFile });
  await assertFails(server.connect(BOB), LoginError, "banned");
  using alice = await SealedMember.withDevice(server, ALICE);
  const { result } = await alice.ask({ do: "whois", user: "alice" });
  assert.ok(result?.is === "whois" && result.muted && result.role === "member");
  assert.equal(await alice.create("chemistry"), "done");
  assert.equal(await alice.create("physics"), "room-taken");
  await alice.join("chemistry");
  assert.equal(await alice.post("chemistry", 0), 1); // nobody is muted there
  const address = { hostname: "127.0.0.1", port: server.port };
  const carol = { username: "carol", password: "carol's copper 22" };
  assert.deepEqual(await redeem({ address, code: CODE }, carol), {
    role: "member",
    room: "physics",
  });
  const heads = await server.running.heads();
  assert.deepEqual(heads.filter(({ room }) => room !== "chemistry"), HEADS);
});
