/**
 * Edits of every kind on a real database, by SQL, as somebody with the file makes them: which row
 * is named, and what is said of it. What the chain alone cannot find is here too, by name.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../lib/database.ts";
import { EnvironmentError } from "../../lib/errors.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { FaultKind } from "../../lib/log/diagnosis.ts";
import { LogReader, type LogRow } from "../../lib/log/log_reader.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import { type NotedHead, type Verdict, verifyLog } from "../../lib/log/verify.ts";
import { assertThrows, TempFolder } from "../attacks/server.ts";

/** Two rooms in turns: ids 1, 3, 5, … are the lobby's 1, 2, 3, …; ids 2, 4, 6, … those of physics. */
const ROWS = 12;

/** A log on a file, which a test may edit and verify. */
class EditedLog implements Disposable {
  readonly #folder = new TempFolder();
  readonly path = this.#folder.file("a.db");
  readonly database: DatabaseSync;

  private constructor() {
    this.database = openDatabase(this.path);
  }

  static async make(rows = ROWS): Promise<EditedLog> {
    const edited = new EditedLog();
    const log = new SqliteLog(edited.database, edited.path);
    const appended = Array.from({ length: rows }, (_, at) =>
      log.append({
        room: at % 2 === 0 ? "lobby" : "physics",
        sender: at % 3 === 0 ? "alice" : "bob",
        messageId: `m-${at}`,
        sentAt: new Date(at * 1000).toISOString(),
        keyId: "01234567",
        token: `gAAAAA-${at}`,
      }));
    await Promise.all(appended);
    return edited;
  }

  exec(sql: string): void {
    this.database.exec(sql);
  }

  /** Without the constraints that keep an honest writer from errors. */
  dropConstraints(): void {
    this.exec(`CREATE TABLE loose AS SELECT * FROM messages; DROP TABLE messages;
      ALTER TABLE loose RENAME TO messages`);
  }

  async verify(noted: NotedHead[] = [], rooms?: string[]): Promise<Verdict> {
    using reader = LogReader.open(this.path);
    return await verifyLog(reader.rows(rooms === undefined ? {} : { rooms }), noted);
  }

  head(room: string): NotedHead {
    const query = "SELECT room, seq, chain FROM messages WHERE room = ? ORDER BY seq DESC LIMIT 1";
    return { ...this.database.prepare(query).get(room) as unknown as NotedHead };
  }

  /** Asserts the fault that is found: its kind, the row's id, and the words. */
  async assertFault(kind: FaultKind, id: number, says: RegExp, noted?: NotedHead[]): Promise<void> {
    const { fault } = await this.verify(noted);
    assert.deepEqual([fault?.kind, fault?.id], [kind, id], JSON.stringify(fault));
    assert.match(fault?.says ?? "", says);
  }

  /** Computes the lobby's chain anew from a `seq` on, as anybody can. */
  recompute(from: number): void {
    const rows = this.database.prepare(
      `SELECT id, room, seq, sender, sent_at AS sentAt, key_id AS keyId, message_id AS messageId,
         token, chain FROM messages WHERE room = 'lobby' ORDER BY seq`,
    ).all() as unknown as LogRow[];
    let chain = chainStart("lobby");
    const update = this.database.prepare("UPDATE messages SET chain = ? WHERE id = ?");
    for (const row of rows) {
      chain = row.seq < from ? row.chain : chainNext(chain, row);
      update.run(chain, row.id);
    }
  }

  /** Puts a row into the lobby at a `seq`, behind which all others move up by one. */
  insertAt(seq: number, chain: string, id: number): void {
    this.exec(`UPDATE messages SET id = id + 1000 WHERE id >= ${id};
      UPDATE messages SET id = id - 999 WHERE id >= 1000;
      UPDATE messages SET seq = seq + 1000 WHERE room = 'lobby' AND seq >= ${seq};
      UPDATE messages SET seq = seq - 999 WHERE room = 'lobby' AND seq >= 1000`);
    this.database.prepare("INSERT INTO messages VALUES (?, 'lobby', ?, ?, ?, ?, ?, ?, ?)").run(
      id,
      seq,
      ...["mallory", "2026-01-01T00:00:00.000Z", "01234567", "forged", "gAAAAA-forged", chain],
    );
  }

  /** Exchanges columns of two rows, past the table's constraints. */
  swap(columns: readonly string[], a: number, b: number): void {
    this.dropConstraints();
    const read = this.database.prepare(`SELECT ${columns} FROM messages WHERE id = ?`);
    const [one, other] = [a, b].map((id) => Object.values(read.get(id) ?? {}));
    const set = columns.map((column) => `${column} = ?`).join(", ");
    const rowid = this.database.prepare(`SELECT rowid FROM messages WHERE id = ?`);
    const [first, second] = [a, b].map((id) => Number(rowid.get(id)?.["rowid"]));
    const update = this.database.prepare(`UPDATE messages SET ${set} WHERE rowid = ?`);
    update.run(...other as string[], first as number);
    update.run(...one as string[], second as number);
  }

  [Symbol.dispose](): void {
    this.database.close();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("verifyLog() finds nothing in a log as it was written, and gives each room's head", async () => {
  using log = await EditedLog.make();
  const noted = [log.head("lobby"), log.head("physics"), { ...log.head("lobby") }];
  const { rows, heads, fault } = await log.verify(noted);
  assert.deepEqual([rows, heads, fault], [ROWS, noted.slice(0, 2), undefined]);
});

Deno.test("verifyLog() takes an empty log, and a head of an empty room", async () => {
  using log = await EditedLog.make(0);
  const start = { room: "lobby", seq: 0, chain: chainStart("lobby") };
  assert.deepEqual(await log.verify([start]), { rows: 0, heads: [] });
  const { fault } = await log.verify([{ ...start, chain: chainStart("physics") }]);
  assert.equal(fault?.kind, "rewritten");
});

for (const rows of [255, 256, 257, 512, 513]) {
  Deno.test(`LogReader gives ${rows} rows in order, each once, whatever the page`, async () => {
    using log = await EditedLog.make(rows);
    using reader = LogReader.open(log.path);
    const ids = (await Array.fromAsync(reader.rows())).map(({ id }) => id);
    assert.deepEqual(ids, Array.from({ length: rows }, (_, at) => at + 1));
    assert.equal(reader.count(), rows);
    assert.equal((await log.verify()).fault, undefined);
  });
}

for (const column of ["sender", "sent_at", "key_id", "message_id", "token"]) {
  for (const id of [1, 5, 11]) {
    Deno.test(`an altered ${column} is found in row ${id}`, async () => {
      using log = await EditedLog.make();
      log.exec(`UPDATE messages SET ${column} = ${column} || 'x' WHERE id = ${id}`);
      const first = id === 1;
      await log.assertFault(first ? "wrong-start" : "altered", id, first ? /start/ : /fields/);
    });
  }
}

Deno.test("another known sender on a row is found", async () => {
  using log = await EditedLog.make();
  log.exec("UPDATE messages SET sender = 'alice' WHERE id = 5 AND sender = 'bob'");
  await log.assertFault("altered", 5, /its fields do not give its chain value/);
});

Deno.test("text behind a NUL character, which the runtime does not show, is found", async () => {
  using log = await EditedLog.make();
  log.exec("UPDATE messages SET token = CAST(token || x'00' || 'more' AS TEXT) WHERE id = 5");
  await log.assertFault("altered", 5, /fields/);
});

Deno.test("an altered chain value is told from an altered field, where a row follows", async () => {
  for (const [id, says] of [[5, /chain value alone/], [11, /its fields do not give/]] as const) {
    using log = await EditedLog.make();
    log.exec(`UPDATE messages SET chain = '${"0".repeat(64)}' WHERE id = ${id}`);
    await log.assertFault("altered", id, says);
  }
});

Deno.test("an altered seq is found, with the place where the row belongs", async () => {
  using log = await EditedLog.make();
  log.exec("UPDATE messages SET seq = 70 WHERE id = 5");
  await log.assertFault("altered", 5, /its seq was altered: it belongs at 3/);
});

Deno.test("an altered room is found, with the room where the row belongs", async () => {
  using log = await EditedLog.make();
  log.exec("UPDATE messages SET room = 'chemistry' WHERE id = 5");
  await log.assertFault("altered", 5, /it belongs to lobby, seq 3/);
});

Deno.test("a renamed room is found at its first row", async () => {
  using log = await EditedLog.make();
  log.exec("UPDATE messages SET room = 'chemistry' WHERE room = 'lobby'");
  await log.assertFault("wrong-start", 1, /moved from another room/);
  await log.assertFault("altered", 1, /it belongs to lobby, seq 1/, [
    { room: "lobby", seq: 6, chain: "0".repeat(64) },
  ]);
});

for (const [ids, says] of [["5", /the row with seq 3 is/], ["3,5", /seq 2 to 3 are/]] as const) {
  Deno.test(`rows removed in the middle (${ids}) are named by the row after them`, async () => {
    using log = await EditedLog.make();
    log.exec(`DELETE FROM messages WHERE id IN (${ids})`);
    await log.assertFault("missing", 7, says);
  });
}

Deno.test("a removed first row is found", async () => {
  using log = await EditedLog.make();
  log.exec("DELETE FROM messages WHERE id = 1");
  await log.assertFault("missing", 3, /the row with seq 1 is not before it/);
});

Deno.test("removed rows are found also if the rest is renumbered", async () => {
  using log = await EditedLog.make(20);
  log.exec(`DELETE FROM messages WHERE id IN (5, 7);
    UPDATE messages SET seq = seq - 2 WHERE room = 'lobby' AND seq > 4`);
  await log.assertFault("missing", 9, /2 of the rows before it are missing/);
});

Deno.test("a row put in, the rest renumbered, is found, with a wrong chain value or a right one", async () => {
  for (const right of [false, true]) {
    using log = await EditedLog.make();
    const previous = log.database.prepare("SELECT chain FROM messages WHERE id = 3").get();
    const forged = {
      ...{ room: "lobby", seq: 3, sender: "mallory", sentAt: "2026-01-01T00:00:00.000Z" },
      ...{ keyId: "01234567", messageId: "forged", token: "gAAAAA-forged" },
    };
    const chain = chainNext(previous?.["chain"] as string, forged);
    log.insertAt(3, right ? chain : "0".repeat(64), 5);
    await log.assertFault("inserted", 5, /the row with id 6 belongs in its place/);
  }
});

Deno.test("a row put in at a seq that is taken, past the constraints, is found", async () => {
  using log = await EditedLog.make();
  log.dropConstraints();
  log.exec("INSERT INTO messages SELECT * FROM messages WHERE id = 3");
  log.exec("UPDATE messages SET id = 100 WHERE rowid = 13");
  await log.assertFault("inserted", 100, /has a row 2 before it already/);
});

Deno.test("rows with ids that no honest log has are read and found", async () => {
  for (
    const [id, kind, says] of [
      ["-9223372036854775808", "inserted", /id 1 belongs/],
      ["-1", "inserted", /id 1 belongs/],
      ["0", "inserted", /id 1 belongs/],
      ["9223372036854775807", "missing", /not before it/],
    ] as const
  ) {
    using log = await EditedLog.make();
    log.exec(`INSERT INTO messages SELECT ${id}, room, 9223372036854775806, sender, sent_at, key_id,
      'new', token, chain FROM messages WHERE id = 3`);
    await log.assertFault(kind, Number(id), says);
  }
});

Deno.test("values that are no text, past the constraints, are found", async () => {
  for (const value of ["NULL", "x'00ff'", "1.5"]) {
    using log = await EditedLog.make();
    log.dropConstraints();
    log.exec(`UPDATE messages SET sender = ${value} WHERE id = 5`);
    await log.assertFault("altered", 5, /fields/);
  }
});

/** What somebody may exchange: `id` or `seq` alone move a row, and so does everything but them. */
const SWAPS: readonly (readonly string[])[] = [
  ["id"],
  ["seq"],
  ["sender", "sent_at", "key_id", "message_id", "token"],
  ["sender", "sent_at", "key_id", "message_id", "token", "chain"],
];

for (const columns of SWAPS) {
  for (const [a, b] of [[5, 7], [5, 11], [1, 3]] as const) {
    Deno.test(`rows ${a} and ${b} with their ${columns} exchanged are found as swapped`, async () => {
      using log = await EditedLog.make();
      log.swap(columns, a, b);
      // With the ids exchanged, the first row in their order has the smaller one.
      await log.assertFault("swapped", a, new RegExp(`the row with id ${b} were swapped`));
    });
  }
}

Deno.test("exchanged tokens alone are found as an altered row: more cannot be told", async () => {
  using log = await EditedLog.make();
  log.swap(["token"], 5, 7);
  await log.assertFault("altered", 5, /fields/);
});

Deno.test("a tail cut off is not found by the chain alone, but by a noted head", async () => {
  using log = await EditedLog.make();
  const noted = log.head("lobby");
  log.exec("DELETE FROM messages WHERE id IN (9, 11)");
  assert.equal((await log.verify()).fault, undefined);
  const { fault } = await log.verify([noted]);
  assert.deepEqual([fault?.kind, fault?.id, fault?.seq], ["cut-off", undefined, 5]);
  assert.match(fault?.says ?? "", /ends at seq 4, and the noted head is seq 6/);
});

Deno.test("a room removed as a whole is found by a noted head alone", async () => {
  using log = await EditedLog.make();
  const noted = log.head("physics");
  log.exec("DELETE FROM messages WHERE room = 'physics'");
  assert.equal((await log.verify()).fault, undefined);
  assert.equal((await log.verify([noted])).fault?.kind, "cut-off");
});

Deno.test("an edit with the chain recomputed from there on is found by a noted head alone", async () => {
  using log = await EditedLog.make();
  const noted = [log.head("lobby"), log.head("physics")];
  log.exec("UPDATE messages SET token = 'gAAAAA-forged' WHERE id = 5");
  log.recompute(3);
  assert.equal((await log.verify()).fault, undefined);
  await log.assertFault("rewritten", 11, /changed and the chain recomputed/, noted);
});

Deno.test("a head noted before an edit says nothing about rows after it", async () => {
  using log = await EditedLog.make();
  const { chain } = log.database.prepare("SELECT chain FROM messages WHERE id = 3")
    .get() as unknown as LogEntry;
  log.exec("UPDATE messages SET token = 'gAAAAA-forged' WHERE id = 5");
  log.recompute(3);
  assert.equal((await log.verify([{ room: "lobby", seq: 2, chain }])).fault, undefined);
});

Deno.test("the first fault in the order of the rows is named, and one room can be verified", async () => {
  using log = await EditedLog.make();
  log.exec("UPDATE messages SET token = 'x' WHERE id IN (6, 9)");
  await log.assertFault("altered", 6, /fields/);
  assert.equal((await log.verify([], ["lobby"])).fault?.id, 9);
  assert.equal((await log.verify([], ["physics"])).fault?.id, 6);
});

Deno.test("rows appended while a log is verified are left for the next time", async () => {
  using log = await EditedLog.make(300);
  using reader = LogReader.open(log.path);
  const writer = new SqliteLog(log.database, log.path);
  const append = (id: string): Promise<LogEntry> =>
    writer.append({
      ...{ room: "lobby", sender: "bob", messageId: id, sentAt: new Date(0).toISOString() },
      ...{ keyId: "01234567", token: "gAAAAA" },
    });
  const rows = reader.rows();
  await rows.next();
  await append("late");
  assert.equal((await Array.fromAsync(rows)).length, 299);
  assert.deepEqual([(await log.verify()).rows, (await log.verify()).fault], [301, undefined]);
});

Deno.test("LogReader.open() makes no file, and refuses what is not ours", () => {
  using folder = new TempFolder();
  const path = folder.file("none.db");
  assertThrows(
    () => LogReader.open(path),
    EnvironmentError,
    "database-missing",
  );
  assert.deepEqual([...Deno.readDirSync(folder.path)], []);
  Deno.writeFileSync(path, new Uint8Array());
  assertThrows(
    () => LogReader.open(path),
    EnvironmentError,
    "database-foreign",
  );
  const newer = openDatabase(folder.file("newer.db"));
  newer.exec("PRAGMA user_version = 99");
  newer.close();
  assertThrows(
    () => LogReader.open(folder.file("newer.db")),
    EnvironmentError,
    "database-newer",
  );
});
