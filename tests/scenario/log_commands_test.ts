/**
 * `server log verify`, `show` and `export` as an operator runs them, beside a running server and
 * after it, on a log as it was written and on edited ones.
 * Each takes seconds: real processes, and 64 MiB of Argon2id for every login.
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../lib/database.ts";
import { FernetKey, KeyRing } from "../../lib/fernet.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import { sealText } from "../../lib/rooms/open_room.ts";
import { addAccounts, TempFolder } from "../attacks/server.ts";
import { Tmux } from "../terminal/tmux.ts";
import { NEAR, NearClient } from "./near_client.ts";
import { commandLine, Program, runProgram, ServerProgram } from "./programs.ts";

const KEY = FernetKey.generate();
const OLD_KEY = FernetKey.generate();

/** What four people said, the first with a key that was replaced since. */
const SAID = [
  { key: OLD_KEY, room: "lobby", sender: "alice", text: "long ago" },
  { key: KEY, room: "lobby", sender: "bob", text: '=HYPERLINK("x"), he said' },
  { key: KEY, room: "physics", sender: "alice", text: "\u001b[2J\u202egnp.exe" },
  { key: KEY, room: "lobby", sender: "alice", text: "two\nlines" },
];

const sentAt = (at: number): string => `2026-01-0${at + 1}T10:00:00.000Z`;

/** A server's files, in a folder of their own. */
class Files implements Disposable {
  readonly #folder = new TempFolder();
  #count = 0;
  readonly db = this.#folder.file("chat_logs.db");
  readonly keys = this.#folder.file("keys");

  static async make(): Promise<Files> {
    const files = new Files();
    Deno.writeTextFileSync(files.keys, new KeyRing([KEY, OLD_KEY]).toString());
    await addAccounts(files.db, [NEAR], "random");
    for (const said of SAID) await files.append(said);
    return files;
  }

  /** Stores a message, as another process does. */
  async append(
    { key, room, sender, text }: typeof SAID[number],
    manner?: { action: true },
  ): Promise<void> {
    const at = this.#count++;
    const envelope = { room, sender, id: `m-${at}`, sent_at: sentAt(at) };
    const database = openDatabase(this.db);
    const log = new SqliteLog(database, this.db);
    const sealed = sealText(key, envelope, text, manner);
    await log.append({ room, sender, messageId: `m-${at}`, sentAt: sentAt(at), ...sealed });
    database.close();
  }

  file(name: string, text: string): string {
    const path = this.#folder.file(name);
    Deno.writeTextFileSync(path, text);
    return path;
  }

  edit(sql: string): void {
    const database = new DatabaseSync(this.db);
    database.exec(sql);
    database.close();
  }

  /** A room's head, as it is noted. */
  head(room: string): string {
    const database = new DatabaseSync(this.db, { readOnly: true });
    const last = "SELECT seq, chain FROM messages WHERE room = ? ORDER BY seq DESC";
    const { seq, chain } = database.prepare(last).get(room) as { seq: number; chain: string };
    database.close();
    return `${room} ${seq} ${chain}`;
  }

  /** Runs `server log …` on the database. */
  log(args: string[], input = ""): ReturnType<typeof runProgram> {
    return runProgram("server", ["log", ...args, "--db", this.db], input);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** Asserts an end with nothing on stdout and one line on stderr. */
function assertFailed(
  { code, stdout, stderr }: { code: number; stdout: string[]; stderr: string },
  expected: number,
  says: RegExp,
): void {
  assert.equal(code, expected, stderr);
  assert.match(stderr, says);
  assert.equal(stderr.trim().split("\n").length, 1, `one line: ${stderr}`);
  assert.deepEqual(stdout, []);
}

Deno.test("log verify passes a log as it was written, and shows heads that it takes later", async () => {
  using files = await Files.make();
  const { code, stdout, stderr } = await files.log(["verify"]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(stdout[0], "The chain is unbroken: 4 messages in 2 rooms");
  assert.match(stdout[1] ?? "", /^No noted head was given, so a cut-off end /);
  const heads = stdout.slice(2);
  assert.match(heads.join("\n"), /^lobby 3 [0-9a-f]{64}\nphysics 1 [0-9a-f]{64}$/);
  assert.ok(stdout.every((line) => line.length <= 80), "fits 80 columns");
  assert.equal(heads[0], files.head("lobby"));
  const noted = files.file("heads", `# noted\n\nLog head: ${heads[0]}\n`);
  const again = await files.log(["verify", "--head-file", noted, "--head", heads[1] as string]);
  assert.deepEqual([again.code, again.stdout[1]], [0, "It agrees with 2 noted heads."]);
});

Deno.test("log verify --json says the heads, and with --room those of one room", async () => {
  using files = await Files.make();
  const { code, stdout } = await files.log(["verify", "--json", "--room", "physics"]);
  assert.equal(code, 0);
  assert.equal(stdout.length, 1);
  const { event, rows, heads, noted } = JSON.parse(stdout[0] as string);
  assert.deepEqual([event, rows, heads.length, noted], ["log-verified", 1, 1, 0]);
  assert.deepEqual([heads[0].room, heads[0].seq], ["physics", 1]);
});

/** What somebody may do to the file, and what is said of it. */
const EDITS: readonly { what: string; sql: string; says: RegExp }[] = [
  {
    what: "a text edited",
    sql: "UPDATE messages SET token = (SELECT token FROM messages WHERE id = 1) WHERE id = 2",
    says: /at id 2, lobby seq 2: altered: /,
  },
  {
    what: "a sender changed",
    sql: "UPDATE messages SET sender = 'mallory' WHERE id = 2",
    says: /at id 2, lobby seq 2: altered: /,
  },
  {
    what: "a row deleted",
    sql: "DELETE FROM messages WHERE id = 2",
    says: /at id 4, lobby seq 3: missing: the row with seq 2 is not before it/,
  },
  {
    what: "a row inserted",
    sql: `UPDATE messages SET id = 5, seq = 4 WHERE id = 4;
      INSERT INTO messages SELECT 4, room, 3, 'mallory', sent_at, key_id, 'forged', token, chain
      FROM messages WHERE id = 2`,
    says: /at id 4, lobby seq 3: inserted: .*the row with id 5 belongs in its place/,
  },
  {
    what: "two rows swapped",
    sql: `UPDATE messages SET seq = 0 WHERE id = 2; UPDATE messages SET seq = 2 WHERE id = 4;
      UPDATE messages SET seq = 3 WHERE id = 2`,
    says: /at id 2, lobby seq 3: swapped: .*the row with id 4 were swapped/,
  },
  {
    what: "the tail cut",
    sql: "DELETE FROM messages WHERE id = 4",
    says: /at lobby seq 3: cut-off: the log ends at seq 2, and the noted head is seq 3/,
  },
];

for (const { what, sql, says } of EDITS) {
  Deno.test(`log verify against a noted head finds ${what}: exit 5`, async () => {
    using files = await Files.make();
    const head = files.head("lobby");
    files.edit(sql);
    assertFailed(await files.log(["verify", "--head", head]), 5, says);
  });
}

Deno.test("log verify names an altered row as JSON, too", async () => {
  using files = await Files.make();
  files.edit("UPDATE messages SET sender = 'mallory' WHERE id = 2");
  const { code, stdout } = await files.log(["verify", "--json"]);
  assert.equal(code, 5);
  const { event, kind, id, room, seq } = JSON.parse(stdout.join("\n"));
  assert.deepEqual([event, kind, id, room, seq], ["log-broken", "altered", 2, "lobby", 2]);
});

Deno.test("log verify shows an edited room name as harmless text", async () => {
  using files = await Files.make();
  files.edit("UPDATE messages SET room = char(27) || '[2J' || char(8238) WHERE id = 3");
  const { code, stderr } = await files.log(["verify"]);
  assert.equal(code, 5);
  assert.doesNotMatch(stderr.trimEnd(), /[\p{Cc}\p{Cf}]/u);
});

Deno.test("log verify finds a cut-off end by the line that a stopping server printed", async () => {
  using files = await Files.make();
  await using server = await ServerProgram.start(["--db", files.db]);
  server.kill("SIGINT");
  const { room, seq, chain } = JSON.parse(await server.until((line) => line.includes("stopped")));
  assert.equal(await server.ended(), 0);
  const head = `${room} ${seq} ${chain}`;
  assert.equal((await files.log(["verify", "--head", head])).code, 0);
  files.edit("DELETE FROM messages WHERE id = 4");
  assert.equal((await files.log(["verify"])).code, 0);
  const cut = await files.log(["verify", "--head", head]);
  assertFailed(cut, 5, /The log breaks at lobby seq 3: cut-off: the log ends at seq 2/);
});

Deno.test("log verify, show and export work beside a running server", async () => {
  using files = await Files.make();
  await using server = await ServerProgram.start(["--db", files.db, "--key-file", files.keys]);
  await using client = await NearClient.start(server.port);
  await client.send("while it runs");
  await client.event("ack");
  const verified = await files.log(["verify", "--head", files.head("lobby")]);
  assert.deepEqual([verified.code, verified.stderr], [0, ""]);
  const shown = await files.log(["show", "--key-file", "-", "--sender", "NORA"], server.key);
  assert.deepEqual([shown.code, shown.stdout.length], [0, 1]);
  assert.match(shown.stdout[0] ?? "", /^\[[\d-]{10} [\d:]{8}\] lobby 4 nora: while it runs$/);
  assert.equal((await files.log(["export"])).stdout.length, 5);
  await client.send("it still stores");
  assert.equal((await client.event("ack"))["seq"], 5);
});

Deno.test("log show prints what was said as harmless lines, times in UTC", async () => {
  using files = await Files.make();
  const { code, stdout, stderr } = await files.log(["show", "--key-file", files.keys]);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.deepEqual(stdout, [
    "[2026-01-01 10:00:00] lobby 1 alice: long ago",
    '[2026-01-02 10:00:00] lobby 2 bob: =HYPERLINK("x"), he said',
    "[2026-01-03 10:00:00] physics 1 alice: ␛[2J\\u{202e}gnp.exe",
    "[2026-01-04 10:00:00] lobby 3 alice: two ⏎ lines",
  ]);
});

Deno.test("what someone does is shown as such, and is marked in JSON and CSV", async () => {
  using files = await Files.make();
  const waves = { key: KEY, room: "lobby", sender: "alice", text: "waves" };
  await files.append(waves, { action: true });
  const keys = ["--key-file", files.keys];
  const shown = await files.log(["show", ...keys]);
  assert.equal(shown.stdout.at(-1), "[2026-01-05 10:00:00] lobby 4 * alice waves");
  for (const command of [["show", "--json"], ["export"]]) {
    const { stdout } = await files.log([...command, ...keys]);
    const rows = stdout.map((line) => JSON.parse(line));
    assert.deepEqual(rows.map(({ action }) => action), [...SAID.map(() => undefined), true]);
    assert.equal(rows.at(-1).text, "waves");
  }
  const { stdout } = await files.log(["export", "--format", "csv", ...keys]);
  assert.match(stdout[0] ?? "", /,"text","error","action","commit","leave","sealed"\r?$/);
  assert.match(stdout[1] ?? "", /,"long ago",,,,,\r?$/);
  assert.match(stdout.at(-1) ?? "", /,"waves",,"true",,,\r?$/);
});

Deno.test({
  name: "log show asks for the key at a terminal, unseen",
  ignore: !Tmux.available(),
  fn: async () => {
    using files = await Files.make();
    const command = [...commandLine("server"), "log", "show", "--db", files.db];
    await using terminal = await Tmux.start({ command });
    await terminal.waitFor("Fernet key:");
    await terminal.type(KEY.toString());
    await terminal.key("Enter");
    const screen = await terminal.waitFor("1 of 4 messages could not be read");
    assert.match(screen, /lobby 3 alice: two ⏎ lines/);
    assert.ok(!screen.includes(KEY.toString().slice(0, 8)), "the key is not echoed");
  },
});

Deno.test("log show filters by room, sender and time", async () => {
  using files = await Files.make();
  const shown = async (...filter: string[]): Promise<number[]> => {
    const { stdout } = await files.log(["show", "--json", "--key-file", files.keys, ...filter]);
    return stdout.map((line) => Number(JSON.parse(line).id.slice(2)));
  };
  assert.deepEqual(await shown("--room", "lobby"), [0, 1, 3]);
  assert.deepEqual(await shown("--room", "lobby", "--room", "physics"), [0, 1, 2, 3]);
  assert.deepEqual(await shown("--sender", "Alice", "--room", "lobby"), [0, 3]);
  assert.deepEqual(await shown("--since", "2026-01-02T10:00:00Z", "--until", "2026-01-04"), [1, 2]);
  assert.deepEqual(await shown("--since", "2026-01-02T10:00:00.001"), [2, 3]);
  assert.deepEqual(await shown("--until", "2026-01-01T12:00+02:00"), []);
});

Deno.test("log show leaves out nothing that it cannot read: exit 1", async () => {
  using files = await Files.make();
  files.edit("UPDATE messages SET sender = 'mallory' WHERE id = 2");
  const { code, stdout, stderr } = await files.log(["show", "--key-file", "-"], `${KEY}\n`);
  assert.equal(code, 1);
  assert.match(stderr, /^Error: 2 of 4 messages could not be read: [^\n]*--key-file[^\n]*\n$/);
  const missing = `cannot be read without the key ${OLD_KEY.id}`;
  assert.equal(stdout[0], `[2026-01-01 10:00:00] lobby 1 alice -- ${missing}`);
  assert.match(stdout[1] ?? "", /lobby 2 mallory -- not what its sender wrote: /);
  assert.match(stdout[3] ?? "", /lobby 3 alice: two/);
  const json = await files.log(["show", "--json", "--key-file", "-"], `${KEY}\n`);
  const errors = json.stdout.map((line) => JSON.parse(line).error);
  assert.deepEqual(errors, ["key-missing", "token-invalid", null, null]);
});

Deno.test("log export writes the rows as they are, and with keys their texts", async () => {
  using files = await Files.make();
  const { code, stdout } = await files.log(["export"]);
  assert.equal(code, 0);
  const database = new DatabaseSync(files.db, { readOnly: true });
  const rows = database.prepare("SELECT * FROM messages ORDER BY id").all();
  database.close();
  assert.deepEqual(stdout.map((line) => JSON.parse(line)), rows.map((row) => ({ ...row })));
  const keyed = await files.log(["export", "--json", "--key-file", files.keys]);
  assert.deepEqual(keyed.stdout.map((line) => JSON.parse(line).text), SAID.map(({ text }) => text));
  assert.doesNotMatch(keyed.stdout.join(""), /[\p{Cc}\p{Cf}]/u);
});

Deno.test("log export --format csv is RFC 4180, and no spreadsheet's formula", async () => {
  using files = await Files.make();
  const plain = await files.log(["export", "--format", "csv", "--room", "physics"]);
  assert.equal(plain.code, 0);
  const header = '"id","room","seq","sender","sent_at","key_id","message_id","token","chain"';
  assert.equal(plain.stdout[0]?.trimEnd(), header);
  assert.match(plain.stdout[1] ?? "", /^3,"physics",1,"alice","2026-01-03T10:00:00\.000Z","/);
  const keyed = await files.log(["export", "--format", "csv", "--key-file", "-"], `${KEY}\n`);
  assert.equal(keyed.code, 1);
  assert.equal(
    keyed.stdout[0]?.trimEnd(),
    `${header},"text","error","action","commit","leave","sealed"`,
  );
  assert.match(keyed.stdout[1] ?? "", /",,"key-missing",,,,\r?$/);
  assert.match(keyed.stdout[2] ?? "", /","'=HYPERLINK\(""x""\), he said",,,,,\r?$/);
});

/** Starts `log show --follow`, and reads to the end of what there is. */
async function follow(files: Files, args: string[], shown: number): Promise<Program> {
  const keys = ["--key-file", files.keys, "--db", files.db];
  const program = Program.spawn("server", ["log", "show", "--follow", ...keys, ...args]);
  for (let line = 0; line < shown; line += 1) await program.line();
  return program;
}

Deno.test("log show --follow goes on with what a running server stores; Ctrl-C ends it quietly", async () => {
  using files = await Files.make();
  await using server = await ServerProgram.start(["--db", files.db, "--key-file", files.keys]);
  await using follower = await follow(files, [], 4);
  await using client = await NearClient.start(server.port);
  for (const [at, text] of ["first", "second"].entries()) {
    await client.send(text);
    const line = await follower.line() ?? "";
    assert.ok(line.endsWith(` lobby ${at + 4} nora: ${text}`), line);
  }
  follower.kill("SIGINT");
  assert.equal(await follower.ended(), 130);
  assert.equal(await follower.stderr, "Following the log: Ctrl-C ends it\n");
  await client.send("the server does not mind");
  await client.event("ack");
});

Deno.test("log show --follow --json keeps to its filters, and says what it cannot read", async () => {
  using files = await Files.make();
  await using follower = await follow(files, ["--json", "--sender", "bob"], 1);
  const message = { key: KEY, room: "lobby", sender: "alice", text: "not for the filter" };
  await files.append(message);
  await files.append({ ...message, sender: "Bob", text: "for it" });
  await files.append({ ...message, sender: "bob", key: FernetKey.generate() });
  const lines = [await follower.line(), await follower.line()].map((line) =>
    JSON.parse(line ?? "")
  );
  assert.deepEqual(lines.map(({ seq, text, error }) => [seq, text, error]), [
    [5, "for it", null],
    [6, null, "key-missing"],
  ]);
});

Deno.test("log show --follow of an empty log waits for its first message", async () => {
  using files = new Files();
  openDatabase(files.db).close();
  Deno.writeTextFileSync(files.keys, String(KEY));
  await using follower = await follow(files, [], 0);
  await files.append({ key: KEY, room: "lobby", sender: "alice", text: "the first" });
  assert.match(await follower.line() ?? "", / lobby 1 alice: the first$/);
});

Deno.test("log show --follow ends with the next message once nobody reads it", async () => {
  using files = await Files.make();
  const [command, ...args] = commandLine("server");
  const keys = ["--key-file", files.keys, "--db", files.db];
  const child = new Deno.Command(command as string, {
    args: [...args, "log", "show", "--follow", ...keys],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const shown = child.stdout.getReader();
  await shown.read();
  await shown.cancel();
  await files.append({ key: KEY, room: "lobby", sender: "alice", text: "unread" });
  assert.equal((await child.status).code, 0);
  await child.stderr.cancel();
});

Deno.test("what an operator gets wrong ends in one line with what to do", async () => {
  using files = await Files.make();
  const none = await runProgram("server", ["log", "verify", "--db", `${files.db}.none`]);
  assertFailed(none, 1, /there is no such file: name the server's file with --db$/m);
  assert.throws(() => Deno.statSync(`${files.db}.none`), Deno.errors.NotFound);
  const foreign = files.file("letter.txt", "Dear diary\n".repeat(200));
  const letter = await runProgram("server", ["log", "export", "--db", foreign]);
  assertFailed(letter, 1, /is not a Fernchat database: name another file with --db/);
  assertFailed(await files.log(["verify", "--room", "loby"]), 1, /no message in loby.*room's name/);
  assertFailed(await files.log(["verify", "--head", "lobby 3"]), 2, /head.*64 hex digits/);
  const bad = files.file("heads", "lobby x\n");
  assertFailed(await files.log(["verify", "--head-file", bad]), 2, /heads, line 1: it is a room/);
  assertFailed(await files.log(["show"]), 2, /No key was given: .*--key-file FILE/);
  assertFailed(await files.log(["show", "--key-file", foreign]), 1, /letter.txt: .*one Fernet key/);
  assertFailed(await files.log(["show", "--key-file", "-"], "secret"), 2, /key ring, line 1/);
  assertFailed(await files.log(["show", "--since", "noon"]), 2, /--since noon: it is not a time/);
  assertFailed(await files.log(["export", "--format", "xml"]), 2, /jsonl, csv/);
});

Deno.test("the log commands' help fits 80 columns", async () => {
  for (const name of ["verify", "show", "export"]) {
    const { code, stdout } = await runProgram("server", ["log", name, "--help"]);
    assert.equal(code, 0);
    assert.ok(stdout.length > 8 && stdout.every((line) => line.length <= 80), stdout.join("\n"));
  }
});
