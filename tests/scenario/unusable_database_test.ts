/**
 * A database that another program has locked, that is damaged in the middle or that a newer version
 * made, when a server starts and while it runs: a clear line and exit code 1, or service that goes
 * on; and nothing is acked that is not stored.
 * Each takes a second or two: real processes.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { TempFolder } from "../attacks/server.ts";
import { connect } from "../../lib/client/connection.ts";
import { openDatabase } from "../../lib/database.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import { sealText } from "../../lib/rooms/open_room.ts";
import { assertStored, type Fates, fatesOf, storedRows } from "./log_table.ts";
import { FAR, makeAccounts, NEAR, NearClient, startServer } from "./near_client.ts";
import { addUser, JsonClient, runProgram, ServerProgram } from "./programs.ts";

/** Runs a command of the server's that has to fail; its stderr is one line that says what. */
async function assertFails(args: string[], code: number, says: RegExp): Promise<string[]> {
  const { stdout, stderr, ...ended } = await runProgram("server", args, "a password");
  assert.equal(ended.code, code, stderr);
  assert.match(stderr, says);
  assert.equal(stderr.trim().split("\n").length, 1, `one line: ${stderr}`);
  return stdout;
}

/** This process is another program than the server: it holds the write lock until disposed of. */
class Lock implements Disposable {
  readonly #database: DatabaseSync;

  constructor(db: string) {
    this.#database = new DatabaseSync(db);
    this.#database.exec("PRAGMA busy_timeout = 5000");
    this.#database.exec("BEGIN IMMEDIATE");
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

Deno.test("a locked database: a start gives up, with exit 1; a running server tells who sent", async () => {
  using folder = new TempFolder();
  const db = folder.file("chat.db");
  await using server = await startServer(db);
  await using sender = await NearClient.start(server.port);
  {
    using _lock = new Lock(db);
    // All of these wait for 5 s.
    const says = /^Error: Cannot use the database .*: it is locked by another program: end that/;
    const start = assertFails(["--port", "0", "--db", db], 1, says);
    const add = assertFails(["user", "add", "a", "--db", db, "--password-file", "-"], 1, says);
    const env = { FERNCHAT_PASSWORD: FAR.password };
    const address = `127.0.0.1:${server.port}`;
    const pipe = runProgram("client", [address, "--user", FAR.username], "one\ntwo\n", { env });
    await sender.send("refused", "refused");
    const fates = await fatesOf(sender, 1);
    assert.deepEqual([...fates.refused], ["refused"]);
    const { code, stderr } = await pipe;
    assert.equal(code, 1);
    assert.match(stderr, /Line 1 was not acked: .*\nLine 2 was not acked: /);
    assert.deepEqual([await start, await add], [[], []]);
  }
  await sender.send("taken", "taken");
  const fates = await fatesOf(sender, 1);
  assert.deepEqual([...fates.acked.keys()], ["taken"]);
  assertStored(db, fates);
  assert.equal(storedRows(db).length, 1);
});

Deno.test("a database that is locked for a moment: others log in meanwhile, then all is stored", async () => {
  using folder = new TempFolder();
  const db = folder.file("chat.db");
  await using server = await startServer(db);
  await using sender = await NearClient.start(server.port);
  const ids = Array.from({ length: 200 }, (_, at) => `m-${at}`);
  {
    using _lock = new Lock(db);
    for (const id of ids) await sender.send("waits", id);
    // From here, a client in this process: it is there long before the server gives up.
    const chat = await connect({ port: server.port, ...FAR });
    await chat.close();
    assert.deepEqual(storedRows(db), []);
  }
  const fates = await fatesOf(sender, ids.length);
  assert.deepEqual([...fates.acked.keys()], ids); // all, in the order in which they were sent
  assertStored(db, fates);
});

Deno.test("a server that is stopped while its database is locked ends, and acks nothing", async () => {
  using folder = new TempFolder();
  const db = folder.file("chat.db");
  await using server = await startServer(db);
  await using sender = await NearClient.start(server.port);
  using _lock = new Lock(db);
  await sender.send("too late", "late");
  // Nothing tells when the server has it; a login takes much longer.
  await using _other = await NearClient.start(server.port);
  server.kill("SIGTERM");
  await sender.event("reconnecting"); // the server has said good-bye
  assert.doesNotMatch(sender.seen.join("\n"), /"type":"ack"/);
  assert.equal(await server.ended(), 0);
  assert.deepEqual(storedRows(db), []);
});

Deno.test("an account is added while senders keep the server busy", async () => {
  using folder = new TempFolder();
  const db = folder.file("chat.db");
  await using server = await startServer(db);
  await using sender = await NearClient.start(server.port);
  let added = false;
  const adding = addUser(db, "bob", "another password").then(() => added = true);
  const all: Fates[] = [];
  for (let round = 0; !added; round += 1) { // a commit or more in each
    await sender.send("busy", `m-${round}`);
    all.push(await fatesOf(sender, 1));
  }
  await adding;
  assert.ok(all.every(({ refused }) => refused.size === 0));
  assertStored(db, ...all);
  await using bob = await JsonClient.start(server.port, "bob", "another password");
  assert.ok(bob);
});

Deno.test("a database of a newer version: every command refuses it, and leaves it as it is", async () => {
  using folder = new TempFolder();
  const db = folder.file("chat.db");
  openDatabase(db).close();
  const newer = new DatabaseSync(db);
  newer.exec("PRAGMA user_version = 1000");
  newer.close();
  const before = Deno.readFileSync(db);
  const says = /^Error: Cannot use the database .*: a newer version of Fernchat made it: run that/;
  const commands = [
    ["--port", "0"],
    ["log", "verify"],
    ["log", "show", "--key-file", "-"],
    ["log", "export"],
    ["user", "list"],
    ["user", "add", "bob", "--password-file", "-"],
    ["user", "passwd", "bob", "--password-file", "-"],
    ["user", "remove", "bob"],
  ];
  for (const command of commands) {
    assert.deepEqual(await assertFails([...command, "--db", db], 1, says), []);
  }
  assert.deepEqual(Deno.readFileSync(db), before);
});

/** A log of many messages, with some of its pages overwritten. */
class DamagedLog implements Disposable {
  readonly #folder = new TempFolder();
  readonly db = this.#folder.file("chat.db");
  readonly keys = this.#folder.file("keys");
  static readonly #ROWS = 2_000;

  static async make(): Promise<DamagedLog> {
    const made = new DamagedLog();
    const key = FernetKey.generate();
    Deno.writeTextFileSync(made.keys, String(key), { mode: 0o600 });
    await makeAccounts(made.db);
    const database = openDatabase(made.db);
    const log = new SqliteLog(database, made.db);
    const appends = Array.from({ length: DamagedLog.#ROWS }, (_, at) => {
      const envelope = {
        room: "lobby",
        sender: NEAR.username,
        id: `${at * 7919 % DamagedLog.#ROWS}`, // in no order, as the ids of clients
        sent_at: new Date(at * 1000).toISOString(),
      };
      const { room, sender, id: messageId, sent_at: sentAt } = envelope;
      return log.append({ room, sender, messageId, sentAt, ...sealText(key, envelope, `${at}`) });
    });
    await Promise.all(appends);
    database.close();
    return made;
  }

  /** Overwrites the pages in the middle of a table or an index, as a bad disk does: in the file. */
  damage(name: string): void {
    const database = new DatabaseSync(this.db, { readOnly: true });
    const query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path";
    const pages = database.prepare(query).all(name).map(({ pageno }) => Number(pageno));
    database.close();
    assert.ok(pages.length >= 9);
    using file = Deno.openSync(this.db, { write: true });
    for (const page of pages.slice(pages.length / 3, 2 * pages.length / 3)) {
      file.seekSync((page - 1) * 4096, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(4096).fill(0x5a));
    }
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** What holds of a server whose table is damaged in the middle: the log's end is not touched. */
async function assertServes(server: ServerProgram, { db }: DamagedLog): Promise<void> {
  const start = (history: number): Promise<NearClient> =>
    NearClient.start(server.port, NEAR, { history });
  await using sender = await start(0);
  await using reader = await start(0);
  await using curious = await start(1000);
  assert.equal((await curious.event("error"))["code"], "history-failed");
  await sender.send("behind the damage", "new");
  const ack = await sender.event("ack");
  for (const other of [reader, curious]) {
    await other.until((line) => JSON.parse(line).seq === ack["seq"]);
  }
  const database = new DatabaseSync(db, { readOnly: true });
  const row = database.prepare("SELECT message_id FROM messages WHERE room = 'lobby' AND seq = ?")
    .get(Number(ack["seq"]));
  database.close();
  assert.equal(row?.["message_id"], "new");
}

for (const when of ["before it starts", "while it runs"] as const) {
  Deno.test(`messages damaged in the middle ${when}: the server goes on, log verify says it`, async () => {
    using log = await DamagedLog.make();
    if (when === "before it starts") log.damage("messages");
    const args = ["--db", log.db, "--key-file", log.keys];
    await using server = await ServerProgram.start(args);
    if (when === "while it runs") log.damage("messages");
    await assertServes(server, log);
    const says =
      /^Error: The log breaks: damaged: only the first (\d+) of its rows can be read: restore/;
    const verify = ["log", "verify", "--db", log.db];
    const [json] = await assertFails([...verify, "--json"], 5, says);
    const { event, kind, rows } = JSON.parse(json as string);
    assert.deepEqual([event, kind], ["log-broken", "damaged"]);
    const shown = await assertFails(
      ["log", "export", "--db", log.db],
      1,
      /^Error: Cannot use the database .*: it is damaged: restore a copy/,
    );
    assert.ok(shown.length > 100, "what is before the damage is exported");
    assert.deepEqual(shown.map((line) => JSON.parse(line).seq), shown.map((_, at) => at + 1));
    assert.equal(rows, shown.length);
  });
}

Deno.test("a damaged index: messages that need its pages are refused, the others stored", async () => {
  using log = await DamagedLog.make();
  log.damage("sqlite_autoindex_messages_2"); // of the messages' ids
  await using server = await ServerProgram.start(["--db", log.db, "--key-file", log.keys]);
  await using sender = await NearClient.start(server.port);
  const all: Fates[] = [];
  for (let digit = 0; digit < 10; digit += 1) {
    await sender.send("one by one", `${digit}x`);
    all.push(await fatesOf(sender, 1));
  }
  assert.ok(all.some(({ refused }) => refused.size > 0));
  assert.ok(all.some(({ acked }) => acked.size > 0));
  assertStored(log.db, ...all);
  server.kill("SIGTERM");
  assert.equal(await server.ended(), 0);
  assert.match(
    await server.stderr,
    /message-refused user=nora .*Cannot use the database .*: it is damaged/,
  );
});

Deno.test("a log whose end is damaged: the start is refused, exit 1", async () => {
  using log = await DamagedLog.make();
  using file = Deno.openSync(log.db, { write: true });
  file.seekSync(4096, Deno.SeekMode.Start); // behind the schema: everything
  file.writeSync(new Uint8Array(Deno.statSync(log.db).size - 4096).fill(0x5a));
  const says = /^Error: Cannot use the database .*: it is damaged: restore a copy/;
  assert.deepEqual(await assertFails(["--port", "0", "--db", log.db], 1, says), []);
  assert.deepEqual(await assertFails(["user", "list", "--db", log.db], 1, says), []);
  const verify = /^Error: The log breaks: damaged: no row can be read: restore a copy/;
  assert.deepEqual(await assertFails(["log", "verify", "--db", log.db], 5, verify), []);
});
