/**
 * `server key show` and `key rotate` as an operator runs them.
 * Each takes seconds: real processes.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../lib/database.ts";
import { FernetKey, KeyRing } from "../../lib/fernet.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import { loadKeyFile } from "../../lib/server/key_file.ts";
import { addAccounts, TempFolder } from "../attacks/server.ts";
import { NEAR, NearClient } from "./near_client.ts";
import { runProgram, ServerProgram } from "./programs.ts";

const NEW = FernetKey.generate();
const OLD = FernetKey.generate();
const LOST = FernetKey.generate();

/** A key file with the first two keys, and a database whose messages need the last two. */
class Files implements Disposable {
  readonly #folder = new TempFolder();
  readonly db = this.#folder.file("chat_logs.db");
  readonly keys = this.#folder.file("keys");

  static async make(): Promise<Files> {
    const files = new Files();
    Deno.writeTextFileSync(files.keys, new KeyRing([NEW, OLD]).toString());
    const database = openDatabase(files.db);
    const log = new SqliteLog(database, files.db);
    for (const [at, { id: keyId }] of [LOST, OLD, OLD].entries()) {
      const sentAt = "2026-01-01T00:00:00.000Z";
      await log.append({ room: "r", sender: "a", messageId: `m${at}`, sentAt, keyId, token: "t" });
    }
    database.close();
    await addAccounts(files.db, [NEAR], "random");
    return files;
  }

  /** Runs `server key …` on the key file. */
  key(...args: string[]): ReturnType<typeof runProgram> {
    return runProgram("server", ["key", ...args, "--key-file", this.keys]);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("key show lists the ids, newest first, and no key", async () => {
  using files = await Files.make();
  const { code, stdout, stderr } = await files.key("show");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(stdout, ["KEY ID", `${NEW.id}  newest`, OLD.id]);
  const json = (await files.key("show", "--json")).stdout;
  assert.deepEqual(json.map((line) => JSON.parse(line)), [
    { keys: [{ id: NEW.id, newest: true }, { id: OLD.id }] },
  ]);
});

Deno.test("key show --db counts the messages of each key, and names keys that are missing", async () => {
  using files = await Files.make();
  const { code, stdout } = await files.key("show", "--db", files.db);
  assert.equal(code, 0);
  assert.deepEqual(stdout, [
    "KEY ID      MESSAGES",
    `${NEW.id}           0  newest`,
    `${OLD.id}           2`,
    `${LOST.id}           1  missing: no key here reads them`,
  ]);
  const json = JSON.parse((await files.key("show", "--db", files.db, "--json")).stdout.join());
  assert.deepEqual(json.keys.map(({ messages }: { messages: number }) => messages), [0, 2]);
  assert.deepEqual(json.missing, [{ id: LOST.id, messages: 1 }]);
});

Deno.test("key show shows an edited key id as harmless text", async () => {
  using files = await Files.make();
  const database = new DatabaseSync(files.db);
  database.exec("UPDATE messages SET key_id = char(27) || '[2J' || char(10) WHERE id = 1");
  database.close();
  for (const format of [[], ["--json"]]) {
    const { code, stdout } = await files.key("show", "--db", files.db, ...format);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout.join(""), /[\p{Cc}\p{Cf}]/u);
    assert.equal(stdout.length, format.length === 0 ? 4 : 1);
  }
});

Deno.test("key show --reveal shows the keys, as they go into another key file", async () => {
  using files = await Files.make();
  const { stdout } = await files.key("show", "--reveal", "--json");
  const { keys } = JSON.parse(stdout.join()) as { keys: { key: string }[] };
  assert.deepEqual(keys.map(({ key }) => key), [String(NEW), String(OLD)]);
  assert.ok((await files.key("show", "--reveal")).stdout[1]?.includes(String(NEW)));
});

Deno.test("key rotate says the new key's id, and a server started then seals with it", async () => {
  using files = await Files.make();
  const { code, stdout, stderr } = await files.key("rotate");
  assert.deepEqual([code, stderr], [0, ""]);
  const ring = loadKeyFile(files.keys);
  assert.match(stdout.join("\n"), new RegExp(`^New key ${ring.primary.id}, before 2 older`));
  const again = await files.key("rotate", "--json");
  const key_id = loadKeyFile(files.keys).primary.id;
  assert.deepEqual(JSON.parse(again.stdout.join()), { event: "key-rotated", key_id, keys: 4 });
  await using server = await ServerProgram.start(["--db", files.db, "--key-file", files.keys]);
  await using client = await NearClient.start(server.port);
  await client.send("with the new key");
  await client.event("ack");
  const { stdout: counted } = await files.key("show", "--db", files.db);
  assert.equal(counted[1], `${key_id}           1  newest`);
});

Deno.test("key rotate beside a running server: it takes the new key by itself", async () => {
  using files = await Files.make();
  await using server = await ServerProgram.start(["--db", files.db, "--key-file", files.keys]);
  const { stdout } = await files.key("rotate", "--json");
  const taken = await server.until((line) => line.includes("key-changed")); // within two seconds
  assert.equal(JSON.parse(taken).key_id, JSON.parse(stdout.join()).key_id);
});

Deno.test("what an operator gets wrong with keys ends in one line, and nothing is made", async () => {
  using files = await Files.make();
  const none = `${files.keys}.none`;
  const text = new URL(import.meta.url).pathname;
  for (
    const [args, code, says] of [
      [["show"], 2, /No key file was named: pass --key-file FILE/],
      [["rotate"], 2, /No key file was named/],
      [["show", "--key-file", none], 1, /there is no such file/],
      [["rotate", "--key-file", none], 1, /there is no such file: name the file that the server/],
      [["show", "--key-file", files.keys, "--db", none], 1, /there is no such file: .*--db/],
      [["show", "--key-file", files.db], 1, /Cannot use the key file .*it is too large/],
      [["show", "--key-file", text], 1, /Cannot use the key file .*line 1/],
    ] as const
  ) {
    const ended = await runProgram("server", ["key", ...args]);
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, says);
    assert.equal(ended.stderr.trim().split("\n").length, 1);
    assert.deepEqual(ended.stdout, []);
  }
  assert.throws(() => Deno.statSync(none), Deno.errors.NotFound);
});

Deno.test("the key commands' help fits 80 columns, and says what --reveal shows", async () => {
  for (const [name, says] of [["show", /--reveal/], ["rotate", /older keys stay/]] as const) {
    const { code, stdout } = await runProgram("server", ["key", name, "--help"]);
    assert.equal(code, 0);
    assert.match(stdout.join("\n"), says);
    assert.ok(stdout.every((line) => line.length <= 80), stdout.join("\n"));
  }
});
