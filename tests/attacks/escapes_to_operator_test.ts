/**
 * The same as in `escape_injection_test.ts` for who runs the server: what strangers and members send
 * reaches the log lines, what someone has written into the database the operator's commands, and what
 * a script passes on the programs' errors. None of it reaches a terminal as more than text.
 * Each takes seconds: real processes, and 64 MiB of Argon2id for every login.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openDatabase } from "../../lib/database.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import { encodeClientMessage } from "../../lib/protocol/messages.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { commandLine, ServerProgram } from "../scenario/programs.ts";
import { Tmux } from "../terminal/tmux.ts";
import { Guesser } from "./guesser.ts";
import {
  assertHarmless,
  assertShown,
  assertUnpiled,
  FORGED,
  hostile,
  IN_ARGUMENTS,
  mark,
  PAYLOADS,
} from "./hostile_texts.ts";
import { addAccounts, ALICE, RawMember, TempFolder } from "./server.ts";
import { run } from "./spoken.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Everything that strangers and a member can put into a server's mouth. */
async function provoke(port: number): Promise<void> {
  for (const payload of PAYLOADS) {
    using stranger = await Guesser.come(port);
    await stranger.ask(`${payload}${FORGED}`.slice(0, 100));
    await stranger.hear();
    stranger.channel.send(utf8(JSON.stringify({ type: payload, [payload]: payload })));
    await stranger.channel.receive().catch(() => {});
  }
  const join = (room: string): string => JSON.stringify({ type: "join", room });
  const send = (id: string): string => JSON.stringify({ type: "send", room: LOBBY, id });
  for (const words of [join(PAYLOADS[0] as string), send(PAYLOADS[8] as string), PAYLOADS[8]]) {
    using member = await RawMember.join(port, ALICE);
    member.channel.send(utf8(words as string));
    await member.hear().catch(() => {});
  }
  using member = await RawMember.join(port, ALICE);
  const key = FernetKey.parse(member.joined.keys[0] as string);
  for (const payload of PAYLOADS) {
    // The names within a token are the sender's: they contradict the envelope, and are refused.
    const sent_at = new Date().toISOString();
    const inside = { room: payload, sender: payload, id: payload, sent_at };
    const { keyId: key_id, token } = sealText(key, inside, payload);
    member.channel.send(
      encodeClientMessage({ type: "send", room: LOBBY, id: "m", sent_at, key_id, token }),
    );
    await member.hears("error");
  }
}

for (const format of ["text", "json"]) {
  Deno.test(`a server's log (${format}): each line is its own, whatever strangers and members send`, async () => {
    using folder = new TempFolder();
    const db = folder.file("chat_logs.db");
    await addAccounts(db, [ALICE], "random");
    const args = ["--db", db, "--log-level", "debug", "--log-format", format];
    await using server = await ServerProgram.start(args);
    await provoke(server.port);
    server.kill("SIGTERM");
    assert.equal(await server.ended(), 0);
    const stderr = await server.stderr;
    assertHarmless(stderr);
    assertUnpiled(stderr);
    assert.ok(!stderr.includes("send me your password"));
    const lines = stderr.trim().split("\n");
    assert.ok(lines.length > 5, stderr);
    for (const line of lines) {
      if (format === "json") assert.equal(typeof JSON.parse(line).event, "string");
      else assert.match(line, /^\d{4}-[\d-]+T[\d:.]+Z (?:error|warn |info |debug) [a-z-]+(?: |$)/);
    }
  });
}

/** A database that someone has edited, and the file with its key. */
async function editedDatabase(folder: TempFolder): Promise<{ db: string; keys: string }> {
  const db = folder.file("chat_logs.db");
  await addAccounts(db, [ALICE], "random");
  const key = FernetKey.generate();
  const keys = folder.file("keys");
  Deno.writeTextFileSync(keys, `${key}\n`);
  const database = openDatabase(db);
  const log = new SqliteLog(database, db);
  const sentAt = "2026-01-01T00:00:00.000Z";
  for (const [at, text] of hostile("text").entries()) {
    const envelope = { room: LOBBY, sender: "alice", id: `m${at}`, sent_at: sentAt };
    const sealed = sealText(key, envelope, text);
    await log.append({ room: LOBBY, sender: "alice", messageId: `m${at}`, sentAt, ...sealed });
  }
  const row = database.prepare(
    `INSERT INTO messages (room, seq, sender, sent_at, key_id, message_id, token, chain)
     VALUES (?, 1, ?, ?, ?, ?, 'none', 'none')`,
  );
  const account = database.prepare(`INSERT INTO accounts VALUES (?, 'none', 0, ?, 'member', 0)`);
  const room = database.prepare(`INSERT INTO rooms VALUES (?, 'open', ?, 0, '')`);
  const deed = database.prepare(
    `INSERT INTO audit (at, actor, action, target, until, reason) VALUES (?, ?, ?, ?, ?, ?)`,
  );
  for (const at of PAYLOADS.keys()) {
    // The runtime reads a column to its first NUL only.
    const edited = (kind: string): string => mark(kind, at).replaceAll("\0", "");
    const names = ["room", "sender", "time", "key", "id"].map(edited);
    row.run(...names);
    account.run(edited("account"), edited("created"));
    room.run(edited("name"), edited("topic"));
    deed.run(...["at", "actor", "action", "target", "until", "reason"].map(edited));
  }
  await log.close();
  database.close();
  return { db, keys };
}

Deno.test("an edited database: what the operator's commands show of it is harmless", async () => {
  using folder = new TempFolder();
  const { db, keys } = await editedDatabase(folder);
  const inDatabase = ["--db", db, "--key-file", keys];
  const commands: { args: string[]; shows: string[]; json?: true }[] = [
    { args: ["user", "list", "--db", db], shows: ["account", "created"] },
    { args: ["user", "list", "--db", db, "--json"], shows: ["account", "created"], json: true },
    { args: ["room", "list", "--db", db], shows: ["name"] },
    { args: ["room", "list", "--db", db, "--json"], shows: ["name", "topic"], json: true },
    { args: ["audit", "--db", db], shows: [] }, // its cells are cut into pieces
    { args: ["audit", "--db", db, "--json"], shows: ["at", "target", "reason"], json: true },
    { args: ["log", "show", ...inDatabase], shows: ["text", "room", "sender", "key"] },
    { args: ["log", "show", ...inDatabase, "--json"], shows: ["text", "room", "id"], json: true },
    { args: ["log", "export", ...inDatabase], shows: ["text", "room", "key"], json: true },
    { args: ["log", "verify", "--db", db], shows: [] },
    { args: ["log", "verify", "--db", db, "--json"], shows: [], json: true },
    { args: ["key", "show", ...inDatabase], shows: ["key"] },
  ];
  for (const { args, shows, json } of commands) {
    const { stdout, stderr } = await run("server", ...args);
    assertHarmless(stdout);
    assertHarmless(stderr);
    assertShown(stdout, ...shows);
    if (!json) assertUnpiled(stdout + stderr);
    assert.ok(stderr.split("\n").length <= 2, `one line: ${stderr}`);
  }
});

Deno.test({
  name: "at a terminal a row is one harmless line, also as CSV",
  ignore: !Tmux.available(),
  fn: async () => {
    using folder = new TempFolder();
    const { db, keys } = await editedDatabase(folder);
    for (const args of [["show"], ["export", "--format", "csv"], ["export"]]) {
      const command = [...commandLine("server"), "log", ...args, "--db", db, "--key-file", keys];
      const record = folder.file("written");
      await using terminal = await Tmux.start({ command, record });
      assert.equal(await terminal.exitCode(), 1); // some rows are no messages
      await terminal.waitFor(() => /could not be read/.test(Deno.readTextFileSync(record)));
      const output = Deno.readTextFileSync(record);
      assertHarmless(output, /\r*\n/g);
      assertShown(output, "text", "room", "sender");
    }
  },
});

Deno.test("what was mistyped, or comes from a script, is said again as one harmless line", async () => {
  const commands: ["server" | "client", ...string[]][] = [
    ["server", "--db", IN_ARGUMENTS],
    ["server", "--host", IN_ARGUMENTS],
    ["server", `--${IN_ARGUMENTS}`],
    ["server", IN_ARGUMENTS],
    ["server", "key", "show", "--key-file", IN_ARGUMENTS],
    ["server", "user", "remove", IN_ARGUMENTS, "--db", IN_ARGUMENTS],
    ["server", "user", "role", IN_ARGUMENTS, IN_ARGUMENTS],
    ["server", "audit", "--limit", IN_ARGUMENTS],
    ["server", "log", "show", "--since", IN_ARGUMENTS],
    ["server", "log", "verify", "--head-file", IN_ARGUMENTS],
    ["client", "--user", "alice", IN_ARGUMENTS],
    ["client", "--user", "alice", `${IN_ARGUMENTS}:5555`],
    ["client", "--user", "alice", "--room", IN_ARGUMENTS],
    ["client", "--user", "alice", "--password-file", IN_ARGUMENTS],
    ["client", `--${IN_ARGUMENTS}`],
  ];
  for (const [program, ...args] of commands) {
    const { stdout, stderr } = await run(program, ...args);
    assert.equal(stdout, "", program);
    assertHarmless(stderr);
    assertUnpiled(stderr);
    assert.match(stderr, /^Error: [^\n]*\n$/);
  }
});
