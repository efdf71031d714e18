/**
 * The message log in SQLite: order, no gaps, each once, durable when acked, and what happens when
 * the disk or another writer says no.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../lib/database.ts";
import { EnvironmentError } from "../../lib/errors.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { LogEntry, NewEntry } from "../../lib/log/message_log.ts";
import { type Commit, SqliteLog, type SqliteLogOptions } from "../../lib/log/sqlite_log.ts";
import { assertFails, TempFolder } from "../attacks/server.ts";

function entry(messageId: string, changes: Partial<NewEntry> = {}): NewEntry {
  return {
    room: "lobby",
    sender: "alice",
    messageId,
    sentAt: "2026-01-01T00:00:00.000Z",
    keyId: "01234567",
    token: `gAAAAA-${messageId}`,
    ...changes,
  };
}

function entries(count: number, prefix = "m"): NewEntry[] {
  return Array.from({ length: count }, (_, at) => entry(`${prefix}${at}`));
}

/** A log on a file, and the handle under it. */
class OpenLog extends SqliteLog implements AsyncDisposable {
  readonly database: DatabaseSync;

  constructor(path: string, options: SqliteLogOptions = {}) {
    const database = openDatabase(path);
    super(database, path, options);
    this.database = database;
  }

  appendAll(news: readonly NewEntry[]): Promise<LogEntry[]> {
    return Promise.all(news.map((one) => this.append(one)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.database.close();
  }
}

/** What another process sees in the file. */
class Onlooker implements Disposable {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true });
  }

  get rows(): number {
    return this.#number("SELECT count(*) AS value FROM messages");
  }

  /** Changes with each commit of another handle (sqlite.org/pragma.html#pragma_data_version). */
  get dataVersion(): number {
    return this.#number("SELECT data_version AS value FROM pragma_data_version");
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #number(query: string): number {
    return Number(this.#database.prepare(query).get()?.["value"]);
  }
}

/** Rows without SQLite's null prototype. */
function plain(rows: readonly LogEntry[]): LogEntry[] {
  return rows.map((row) => ({ ...row }));
}

function assertContinuous(room: string, log: readonly LogEntry[]): void {
  let chain = chainStart(room);
  for (const [at, one] of log.entries()) {
    chain = chainNext(chain, one);
    assert.deepEqual([one.seq, one.chain], [at + 1, chain]);
  }
}

Deno.test("append() numbers each room from 1, in order, without gaps, and chains it", async () => {
  using folder = new TempFolder();
  await using log = new OpenLog(folder.file("a.db"));
  const rooms = ["lobby", "physics", "lobby", "lobby", "physics"];
  const stored = await log.appendAll(rooms.map((room, at) => entry(`m${at}`, { room })));
  assert.deepEqual(stored.map(({ seq }) => seq), [1, 1, 2, 3, 2]);
  for (const room of ["lobby", "physics"]) {
    const read = await log.read(room, 0, 100);
    assertContinuous(room, read);
    assert.deepEqual(plain(read), stored.filter((one) => one.room === room));
    assert.deepEqual({ ...await log.head(room) }, { seq: read.length, chain: read.at(-1)?.chain });
  }
});

Deno.test("append() keeps every field as it was given", async () => {
  using folder = new TempFolder();
  await using log = new OpenLog(folder.file("a.db"));
  const given = entry("it's; DROP TABLE messages--", { token: "gAAAAA漢" });
  const { seq: _seq, chain: _chain, ...stored } = await log.append(given);
  assert.deepEqual(stored, given);
  const [read] = await log.read("lobby", 0, 1);
  assert.deepEqual({ ...read }, { ...given, seq: 1, chain: read?.chain });
});

Deno.test("head() of an empty room is 0 and its start value; read() gives nothing", async () => {
  using folder = new TempFolder();
  await using log = new OpenLog(folder.file("a.db"));
  assert.deepEqual(await log.head("lobby"), { seq: 0, chain: chainStart("lobby") });
  assert.deepEqual(await log.read("lobby", 0, 10), []);
});

Deno.test("append() stores a message id of a sender in a room once: the first stays", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  const first = entry("same", { token: "gAAAAA-first" });
  const again = entry("same", { token: "gAAAAA-again", sentAt: "2027-01-01T00:00:00.000Z" });
  const others = [
    entry("same", { sender: "bob" }),
    entry("same", { room: "physics" }),
    entry("Same"),
  ];
  {
    await using log = new OpenLog(path);
    const published: LogEntry[] = [];
    log.subscribe("lobby", (fresh) => published.push(...fresh));
    const [one, two, ...different] = await log.appendAll([first, again, ...others]); // one batch
    assert.deepEqual({ ...two }, { ...one });
    assert.equal(one?.token, "gAAAAA-first");
    assert.deepEqual(different.map(({ seq }) => seq), [2, 1, 3]);
    assert.deepEqual({ ...await log.append(again) }, { ...one }); // another batch
    assert.deepEqual(published.map(({ seq }) => seq), [1, 2, 3]);
  }
  await using reopened = new OpenLog(path);
  const { seq, token } = await reopened.append(again);
  assert.deepEqual({ seq, token }, { seq: 1, token: "gAAAAA-first" });
  assert.equal((await reopened.read("lobby", 0, 100)).length, 3);
});

Deno.test("what is appended in one turn shares one transaction", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using log = new OpenLog(path);
  using onlooker = new Onlooker(path);
  const versions = new Set([onlooker.dataVersion]);
  const sizes: number[] = [];
  log.subscribe("lobby", (fresh) => sizes.push(fresh.length));
  const appends = entries(100).map((one) =>
    log.append(one).then(() => {
      versions.add(onlooker.dataVersion);
      assert.equal(onlooker.rows, 100); // at the first ack, all of them are in the file
    })
  );
  assert.equal(onlooker.rows, 0);
  await Promise.all(appends);
  assert.deepEqual([versions.size, sizes], [2, [100]]); // before, and after the one commit
});

for (const [count, batches] of [[511, [511]], [512, [512]], [513, [512, 1]]] as const) {
  Deno.test(`${count} entries at once are ${batches.length} commit(s)`, async () => {
    using folder = new TempFolder();
    await using log = new OpenLog(folder.file("a.db"));
    const sizes: number[] = [];
    log.subscribe("lobby", (fresh) => sizes.push(fresh.length));
    assertContinuous("lobby", await log.appendAll(entries(count)));
    assert.deepEqual(sizes, batches);
  });
}

Deno.test("subscribe() tells of entries after their commit, in order, until it ends", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using log = new OpenLog(path);
  using onlooker = new Onlooker(path);
  const heard: number[] = [];
  const end = log.subscribe("lobby", (fresh) => {
    assert.equal(onlooker.rows, (fresh.at(-1) as LogEntry).seq);
    heard.push(...fresh.map(({ seq }) => seq));
  });
  await log.appendAll(entries(3, "a"));
  await log.append(entry("b"));
  end();
  end(); // harmless
  await log.append(entry("c"));
  assert.deepEqual(heard, [1, 2, 3, 4]);
});

Deno.test("subscribe() tells of one room alone, and each subscriber", async () => {
  using folder = new TempFolder();
  await using log = new OpenLog(folder.file("a.db"));
  const heard: string[] = [];
  for (const name of ["one", "two"]) {
    log.subscribe("physics", (fresh) => heard.push(`${name} ${fresh.length}`));
  }
  await log.appendAll([entry("a"), entry("b", { room: "physics" })]);
  assert.deepEqual(heard, ["one 1", "two 1"]);
});

Deno.test("read() pages through a room without doubling or leaving out anything", async () => {
  using folder = new TempFolder();
  await using log = new OpenLog(folder.file("a.db"));
  const stored = await log.appendAll(entries(25));
  for (const limit of [1, 24, 25, 26]) {
    const pages: LogEntry[] = [];
    for (;;) {
      const page = await log.read("lobby", pages.at(-1)?.seq ?? 0, limit);
      assert.ok(page.length <= limit);
      if (page.length === 0) break;
      pages.push(...page);
    }
    assert.deepEqual(pages.map(({ seq }) => seq), stored.map(({ seq }) => seq));
  }
  assert.deepEqual(await log.read("lobby", 25, 10), []);
});

Deno.test("close() stores what waits", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using log = new OpenLog(path);
  using onlooker = new Onlooker(path);
  const appends = log.appendAll(entries(600));
  await log.close();
  assert.equal(onlooker.rows, 600);
  assertContinuous("lobby", await appends);
});

Deno.test("a reopened log goes on where it was", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  for (const prefix of ["a", "b", "c"]) {
    await using log = new OpenLog(path);
    await log.appendAll(entries(3, prefix));
  }
  await using log = new OpenLog(path);
  const read = await log.read("lobby", 0, 100);
  assert.equal(read.length, 9);
  assertContinuous("lobby", read);
});

Deno.test("two logs on one file take turns without gaps", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using one = new OpenLog(path);
  await using other = new OpenLog(path);
  for (const round of ["x", "y", "z"]) {
    await Promise.all([
      one.appendAll(entries(20, `one-${round}`)),
      other.appendAll(entries(20, `other-${round}`)),
    ]);
  }
  const read = await one.read("lobby", 0, 1000);
  assert.equal(read.length, 120);
  assertContinuous("lobby", read);
  assert.deepEqual(await other.head("lobby"), await one.head("lobby"));
});

Deno.test("two processes on one file write at once without gaps", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using log = new OpenLog(path);
  const program = `
    import { openDatabase } from ${JSON.stringify(import.meta.resolve("../../lib/database.ts"))};
    import { type Commit, SqliteLog } from ${
    JSON.stringify(import.meta.resolve("../../lib/log/sqlite_log.ts"))
  };
    const log = new SqliteLog(openDatabase(Deno.args[0]), Deno.args[0]);
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 5 }, (_, at) => log.append({
        room: "lobby", sender: Deno.args[1], messageId: round + "-" + at,
        sentAt: "2026-01-01T00:00:00.000Z", keyId: "01234567", token: "gAAAAA-",
      })));
    }`;
  const outputs = await Promise.all(["one", "other"].map((sender) => {
    const url = `data:application/typescript,${encodeURIComponent(program)}`;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const args = ["run", "-A", "--no-check", "--config", config, url, path, sender];
    return new Deno.Command(Deno.execPath(), { args, stdout: "null" }).output();
  }));
  for (const { success, stderr } of outputs) assert.ok(success, new TextDecoder().decode(stderr));
  const read = await log.read("lobby", 0, 1000);
  assert.equal(read.length, 200);
  assertContinuous("lobby", read);
});

/** How a commit can fail, and how the world is put right again. */
const FAILURES: readonly {
  name: string;
  code: string;
  begin(database: DatabaseSync, other: DatabaseSync): void;
  end(database: DatabaseSync, other: DatabaseSync): void;
}[] = [
  {
    name: "the file is locked by another program",
    code: "database-locked",
    begin: (_, other) => other.exec("BEGIN IMMEDIATE"),
    end: (_, other) => other.exec("ROLLBACK"),
  },
  {
    name: "the file may not be written",
    code: "database-unwritable",
    begin: (database) => database.exec("PRAGMA query_only = ON"),
    end: (database) => database.exec("PRAGMA query_only = OFF"),
  },
  {
    name: "the disk is full",
    code: "disk-full",
    begin: (database) => database.exec("PRAGMA max_page_count = 1"), // no page more than it has
    end: (database) => database.exec("PRAGMA max_page_count = 1000000"),
  },
];

for (const { name, code, begin, end } of FAILURES) {
  Deno.test(`append() fails as ${code} while ${name}, and works afterwards`, async () => {
    using folder = new TempFolder();
    const path = folder.file("a.db");
    await using log = new OpenLog(path, { lockPatienceMs: 50 });
    const other = new DatabaseSync(path);
    await log.appendAll(entries(2, "before"));
    const published: number[] = [];
    log.subscribe("lobby", (fresh) => published.push(...fresh.map(({ seq }) => seq)));
    const big = "x".repeat(100_000); // needs new pages
    begin(log.database, other);
    const failing = [entry("f1"), entry("f2", { token: big }), entry("f3")].map((one) =>
      log.append(one)
    );
    await Promise.all(failing.map((one) => assertFails(one, EnvironmentError, code)));
    end(log.database, other);
    other.close();
    assert.deepEqual(published, []);
    assert.equal((await log.head("lobby")).seq, 2); // all or none
    await log.appendAll([entry("f1"), ...entries(2, "after")]);
    assertContinuous("lobby", await log.read("lobby", 0, 100));
    assert.deepEqual(published, [3, 4, 5]);
  });
}

/** Another program that holds the write lock of a file until it is disposed of. */
class Lock implements Disposable {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec("BEGIN IMMEDIATE");
  }

  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

Deno.test("while the file is locked, entries wait, reads go on, and then all are stored in order", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using log = new OpenLog(path);
  await log.append(entry("before"));
  const published: number[] = [];
  log.subscribe("lobby", (fresh) => published.push(fresh.length));
  let settled = 0;
  const waiting: Promise<LogEntry[]>[] = [];
  {
    using _lock = new Lock(path);
    for (const turn of ["a", "b", "c"]) {
      const appends = log.appendAll(entries(200, turn));
      waiting.push(appends.finally(() => settled += 1));
      assert.equal((await log.read("lobby", 0, 10)).length, 1);
      assert.equal((await log.head("lobby")).seq, 1);
      await new Promise((resolve) => setTimeout(resolve)); // a try or more
    }
    assert.deepEqual([settled, published], [0, []]);
  }
  const stored = (await Promise.all(waiting)).flat();
  assert.deepEqual(
    stored.map(({ messageId }) => messageId.at(0)).join(""),
    [
      "a".repeat(200),
      "b".repeat(200),
      "c".repeat(200),
    ].join(""),
  );
  assertContinuous("lobby", await log.read("lobby", 0, 1000));
  assert.deepEqual(published, [512, 88]); // as batches, not one by one
});

Deno.test("what waits for a locked file is bounded; what was taken in is stored all the same", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using log = new OpenLog(path, { maxWaitingBytes: 100 * 2048 });
  const token = "x".repeat(1024); // and as much for the rest of the entry
  let taken: Promise<LogEntry>[];
  {
    using _lock = new Lock(path);
    taken = entries(100).map((one) => log.append({ ...one, token }));
    await assertFails(log.append(entry("too much")), EnvironmentError, "log-overloaded");
  }
  assertContinuous("lobby", await Promise.all(taken));
  assert.equal((await log.append(entry("room again"))).seq, 101);
});

Deno.test("close() waits a while for a locked file, and stores then", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using log = new OpenLog(path);
  const lock = new Lock(path);
  const appends = log.appendAll(entries(3));
  const closing = log.close();
  lock[Symbol.dispose]();
  await closing;
  assertContinuous("lobby", await appends);
});

Deno.test("close() gives up on a file that stays locked, and leaves nothing unsettled", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  await using log = new OpenLog(path, { closePatienceMs: 50 });
  const appends: Promise<unknown>[] = [];
  {
    using _lock = new Lock(path);
    for (const one of entries(3)) {
      appends.push(assertFails(log.append(one), EnvironmentError, "database-locked"));
    }
    await log.close();
  }
  await Promise.all(appends);
  assert.equal((await log.append(entry("after"))).seq, 1); // a stopping server closes it twice
});

Deno.test("append() fails as database-gone when the file was removed or replaced, until it is back", async () => {
  using folder = new TempFolder();
  Deno.mkdirSync(folder.file("data"));
  const path = folder.file("data/a.db");
  await using log = new OpenLog(path);
  await log.appendAll(entries(3, "before"));
  const published: string[] = [];
  log.subscribe("lobby", (fresh) => published.push(...fresh.map((each) => each.messageId)));
  Deno.renameSync(folder.file("data"), folder.file("away"));
  await assertFails(log.append(entry("gone")), EnvironmentError, "database-gone");
  Deno.mkdirSync(folder.file("data"));
  openDatabase(path).close();
  await assertFails(log.append(entry("replaced")), EnvironmentError, "database-gone");
  assert.deepEqual(published, []);
  Deno.removeSync(folder.file("data"), { recursive: true });
  Deno.renameSync(folder.file("away"), folder.file("data"));
  await log.append(entry("gone")); // as a sender does who got no ack
  await log.append(entry("back"));
  assert.deepEqual(published, ["gone", "back"]);
  assertContinuous("lobby", await log.read("lobby", 0, 10));
  using onlooker = new Onlooker(path);
  assert.equal(onlooker.rows, 5);
});

Deno.test("read() and head() of a damaged table fail as database-damaged", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  const pages: number[] = [];
  {
    await using log = new OpenLog(path);
    await log.appendAll(entries(500));
    const sql = "SELECT rootpage FROM sqlite_schema WHERE tbl_name = 'messages'";
    for (const row of log.database.prepare(sql).all()) pages.push(Number(row["rootpage"]));
    log.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const bytes = Deno.readFileSync(path);
  for (const page of pages) bytes.fill(0x5a, 4096 * (page - 1), 4096 * page);
  Deno.writeFileSync(path, bytes);
  await using log = new OpenLog(path);
  await assertFails(log.head("lobby"), EnvironmentError, "database-damaged");
  await assertFails(log.read("lobby", 0, 500), EnvironmentError, "database-damaged");
  await assertFails(log.append(entry("new")), EnvironmentError, "database-damaged");
});

Deno.test("subscribers get what another handle wrote meanwhile, in order, before what is new", async () => {
  using folder = new TempFolder();
  await using one = new OpenLog(folder.file("chat.db"));
  await using other = new OpenLog(folder.file("chat.db"));
  await one.append(entry("before"));
  const seen: string[] = [];
  one.subscribe("lobby", (entries) => seen.push(...entries.map((each) => each.messageId)));
  await one.append(entry("mine-1"));
  await other.appendAll(entries(3, "other-"));
  await one.append(entry("mine-2"));
  assert.deepEqual(seen, ["mine-1", "other-0", "other-1", "other-2", "mine-2"]);
});

Deno.test("each commit is observed with what it stored, and one that failed is not", async () => {
  using folder = new TempFolder();
  const commits: Commit[] = [];
  await using log = new OpenLog(folder.file("a.db"), {
    onCommit: (commit) => commits.push(commit),
  });
  await log.appendAll(entries(3));
  await log.appendAll([entry("m1"), entry("new")]);
  log.database.exec(
    "CREATE TRIGGER no BEFORE INSERT ON messages BEGIN SELECT RAISE(FAIL, 'no'); END",
  );
  await assertFails(log.append(entry("refused")), EnvironmentError, "database-failed");
  assert.deepEqual(commits.map((commit) => commit.entries), [3, 1]);
  assert.ok(commits.every(({ seconds }) => seconds > 0));
});

Deno.test("head() is never ahead of what subscribers were given", async () => {
  using folder = new TempFolder();
  await using one = new OpenLog(folder.file("chat.db"));
  await using other = new OpenLog(folder.file("chat.db"));
  const seen: number[] = [];
  one.subscribe("lobby", (entries) => seen.push(...entries.map((each) => each.seq)));
  await other.appendAll(entries(3));
  assert.deepEqual(seen, []); // nothing tells one log of the other's commits
  assert.equal((await one.head("lobby")).seq, 3);
  assert.deepEqual(seen, [1, 2, 3]);
  await one.append(entry("mine"));
  assert.deepEqual(seen, [1, 2, 3, 4]);
});
