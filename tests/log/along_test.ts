/**
 * What is stored along with an entry of the log: in the same transaction, so both or neither,
 * whatever throws, is locked or is killed.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../lib/database.ts";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { AppendQueue } from "../../lib/log/append_queue.ts";
import type { NewEntry } from "../../lib/log/message_log.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import { assertFails, TempFolder } from "../attacks/server.ts";

function entry(messageId: string): NewEntry {
  const sentAt = "2026-01-01T00:00:00.000Z";
  return { room: "r", sender: "alice", messageId, sentAt, keyId: "01234567", token: "t" };
}

/** A log with another table beside it. */
class Scene implements AsyncDisposable {
  readonly #folder = new TempFolder();
  readonly path = this.#folder.file("a.db");
  readonly database = openDatabase(this.path);
  readonly log = new SqliteLog(this.database, this.path);

  constructor() {
    this.database.exec("CREATE TABLE also (seq INTEGER)");
  }

  readonly note = ({ seq }: { seq: number }): void => {
    this.database.prepare("INSERT INTO also VALUES (?)").run(seq);
  };

  /** The entries' ids and the other table's rows, in this file or a copy of it. */
  stored(path = this.path): [string[], number[]] {
    const database = new DatabaseSync(path);
    const ids = database.prepare("SELECT message_id AS id FROM messages ORDER BY id").all();
    const rows = database.prepare("SELECT seq FROM also").all();
    database.close();
    return [ids.map(({ id }) => String(id)).sort(), rows.map(({ seq }) => Number(seq))];
  }

  /** What a kill -9 at this moment would leave. */
  copy(): string {
    const path = this.#folder.file(`${crypto.randomUUID()}.db`);
    for (const end of ["", "-wal"]) Deno.copyFileSync(this.path + end, path + end);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log.close();
    this.database.close();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("what is stored along with an entry is there with it, and knows its place", async () => {
  await using scene = new Scene();
  await scene.log.append(entry("a"));
  const [stored] = await Promise.all([
    scene.log.append(entry("b"), scene.note),
    scene.log.append(entry("c")),
  ]);
  assert.equal(stored.seq, 2);
  assert.deepEqual(scene.stored(), [["a", "b", "c"], [2]]);
});

Deno.test("what throws rejects its entry alone, as it is, and nothing of it is stored", async () => {
  await using scene = new Scene();
  for (const error of [new CallerError("no", "no"), new EnvironmentError("busy", "busy")]) {
    const before = scene.log.append(entry(`before ${error.code}`));
    const thrown = assertFails(
      scene.log.append(entry("never"), (stored) => {
        scene.note(stored);
        throw error;
      }),
      error.constructor as typeof CallerError,
      error.code,
    );
    const after = scene.log.append(entry(`later ${error.code}`));
    assert.equal(await thrown, error);
    assert.equal((await after).seq, (await before).seq + 1);
  }
  const ids = ["before busy", "before no", "later busy", "later no"];
  assert.deepEqual(scene.stored(), [ids, []]);
});

Deno.test("what is no error of ours is one of the database's to whoever waits", async () => {
  await using scene = new Scene();
  const append = scene.log.append(entry("a"), () => scene.database.exec("INSERT INTO nowhere"));
  await assertFails(append, EnvironmentError, "database-failed");
  assert.deepEqual(scene.stored(), [[], []]);
});

Deno.test("subscribers see no entry whose companion failed, and see the others in order", async () => {
  await using scene = new Scene();
  const seen: string[] = [];
  scene.log.subscribe("r", (entries) => seen.push(...entries.map((one) => one.messageId)));
  const refuse = (): void => {
    throw new CallerError("no", "no");
  };
  await Promise.allSettled([
    scene.log.append(entry("a")),
    scene.log.append(entry("b"), refuse),
    scene.log.append(entry("c"), scene.note),
    scene.log.append(entry("d")),
  ]);
  assert.deepEqual(seen, ["a", "c", "d"]);
});

Deno.test("for an entry that is known already nothing is stored along", async () => {
  await using scene = new Scene();
  await scene.log.append(entry("a"), scene.note);
  const again = await scene.log.append(entry("a"), () => assert.fail("it was called"));
  assert.equal(again.seq, 1);
  assert.deepEqual(scene.stored(), [["a"], [1]]);
});

Deno.test("while another program holds the lock both wait, and then both are stored, once", async () => {
  await using scene = new Scene();
  const other = new DatabaseSync(scene.path);
  other.exec("BEGIN IMMEDIATE");
  const append = scene.log.append(entry("a"), scene.note);
  await new Promise((resolve) => setTimeout(resolve, 50)); // some tries fail
  other.exec("COMMIT");
  other.close();
  assert.equal((await append).seq, 1);
  assert.deepEqual(scene.stored(), [["a"], [1]]);
});

Deno.test("a kill at any moment leaves both or neither", async () => {
  await using scene = new Scene();
  await scene.log.append(entry("a"), scene.note);
  const copies: string[] = [];
  await scene.log.append(entry("b"), (stored) => {
    copies.push(scene.copy());
    scene.note(stored);
    copies.push(scene.copy());
  });
  for (const path of copies) assert.deepEqual(scene.stored(path), [["a"], [1]]);
  assert.deepEqual(scene.stored(scene.copy()), [["a", "b"], [1, 2]]);
});

Deno.test("a log that closes stores what waits in its order, and lets each sender act before the next", async () => {
  await using scene = new Scene();
  const order: string[] = [];
  scene.log.subscribe("r", (entries) => order.push(...entries.map((one) => one.messageId)));
  for (const id of ["a", "b"]) {
    void scene.log.append(entry(id), scene.note).then(() => order.push(`${id} done`));
  }
  await scene.log.close();
  assert.deepEqual(order, ["a", "a done", "b", "b done"]);
});

Deno.test("batch() never has an entry with a companion beside another one", () => {
  const queue = new AppendQueue(Infinity);
  const along = (): void => {};
  for (const id of ["a", "b"]) void queue.push(entry(id));
  for (const id of ["c", "d"]) void queue.push(entry(id), along);
  for (const id of ["e", "f"]) void queue.push(entry(id));
  const batches: string[] = [];
  while (!queue.isEmpty) {
    const batch = queue.batch();
    batches.push(batch.map(({ entry }) => entry.messageId).join(""));
    queue.take(batch.length);
  }
  assert.deepEqual(batches, ["ab", "c", "d", "ef"]);
});
