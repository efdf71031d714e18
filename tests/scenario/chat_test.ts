/**
 * The course project's whole flow through the two programs as processes: DESIGN.md section 1.
 * Each takes seconds: real processes, and 64 MiB of Argon2id for every login.
 */

import assert from "node:assert/strict";
import { ALICE, BOB } from "../attacks/server.ts";
import { FAR, makeAccounts, NearClient, startServer } from "./near_client.ts";
import { JsonClient, Program, runProgram, ServerProgram } from "./programs.ts";

/** Bytes of the longest text. */
const MAX_TEXT_BYTES = 16 * 1024;

const HOSTILE_TEXTS = [
  "\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u009b2J",
  "\u202eright to left\u202c \u2066isolated\u2069",
  `"quoted" 'quoted' \\ \`back\` \${template} %s; DROP TABLE messages; --`,
  '{"type":"closed","reason":"forged"}',
  "x".repeat(8 * 1024),
  "é".repeat(MAX_TEXT_BYTES / 2),
  "🌿 emoji, ZWJ 👩‍🔬, combining e\u0301, NUL \u0000, tab \t, newline \n end",
];

Deno.test("three clients chat, each line reaches all others once, and Python reads the log", async () => {
  const dir = await Deno.makeTempDir();
  const db = `${dir}/chat_logs.db`;
  try {
    await makeAccounts(db, { near: [], far: [ALICE, BOB] });
    await using server = await ServerProgram.start(["--db", db]);
    await using alice = await JsonClient.start(server.port, "alice", ALICE.password);
    await using bob = await JsonClient.start(server.port, "bob", BOB.password);
    await using alice2 = await JsonClient.start(server.port, "Alice", ALICE.password);
    for (const [at, text] of HOSTILE_TEXTS.entries()) {
      await alice.send(text, `m${at}`);
      const ack = await alice.event("ack");
      assert.deepEqual(ack, { type: "ack", room: "lobby", id: `m${at}`, seq: at + 1 });
      for (const other of [bob, alice2]) {
        const message = await other.event("message");
        assert.equal(message["text"], text);
        assert.doesNotMatch(other.seen.at(-1) ?? "", /[\p{Cc}\p{Bidi_Control}]/u);
        assert.deepEqual([message["sender"], message["seq"]], ["alice", at + 1]);
        assert.deepEqual([message["kind"], message["history"]], ["open", false]);
      }
    }
    for (const client of [alice, bob, alice2]) {
      await client.endInput();
      assert.equal(await client.ended(), 0);
      assert.equal(JSON.parse(client.seen.at(-1) ?? "").reason, "left");
    }
    server.kill("SIGTERM");
    assert.equal(await server.ended(), 0);
    const head = JSON.parse(server.seen.at(-1) ?? "");
    assert.deepEqual([head.event, head.seq], ["stopped", HOSTILE_TEXTS.length]);

    const rows = await decryptLog(db, server.key);
    assert.deepEqual(rows.map(({ payload }) => payload.text), HOSTILE_TEXTS);
    for (const { row: [room, , sender, sentAt, id], payload } of rows) {
      const { text: _, ...bound } = payload;
      assert.deepEqual(bound, { room, sender, id, sent_at: sentAt });
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the demo account works out of the box, in line mode, up to exit", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await using server = await ServerProgram.start([], { cwd: dir });
    const address = `127.0.0.1:${server.port}`;
    const env = { FERNCHAT_PASSWORD: "pass1" };
    await using reader = await JsonClient.start(server.port, "user1", "pass1");
    const lines = "hello\n\n//slash\nexit\nnever sent\n";
    const writer = await runProgram("client", ["--user", "user1", address], lines, { env });
    assert.equal(writer.code, 0, writer.stderr);
    assert.equal((await reader.event("message"))["text"], "hello");
    assert.equal((await reader.event("message"))["text"], "/slash");
    await reader.send("bye");
    await reader.endInput();
    assert.equal(await reader.ended(), 0);
    assert.ok(!reader.seen.join().includes("never sent"));
    await Deno.stat(`${dir}/chat_logs.db`); // made where the server was started
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("line mode shows hostile text as one harmless line", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await using server = await startServer(`${dir}/x.db`);
    const args = ["--user", FAR.username, `127.0.0.1:${server.port}`];
    const env = { FERNCHAT_PASSWORD: FAR.password };
    await using sender = await NearClient.start(server.port);
    await using reader = Program.spawn("client", args, { env });
    // The reader says something itself, so that the sender knows that it is there.
    await reader.type("here");
    await sender.event("message");
    for (const text of HOSTILE_TEXTS) await sender.send(text);
    for (const text of HOSTILE_TEXTS) {
      const line = await reader.line() ?? "";
      assert.match(line, /^\[\d\d:\d\d:\d\d\] nora: /);
      assert.doesNotMatch(line, /[\p{Cc}\p{Bidi_Control}]/u);
      if (/^[ -~]*$/.test(text)) assert.ok(line.endsWith(`nora: ${text}`));
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

interface Decrypted {
  row: [string, number, string, string, string];
  payload: { text: string; room: string; sender: string; id: string; sent_at: string };
}

async function decryptLog(db: string, key: string): Promise<Decrypted[]> {
  const script = new URL("./decrypt_log.py", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(pythonPath(), {
    args: [script, db, key],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}

function pythonPath(): string {
  return Deno.env.get("FERNCHAT_PYTHON") ?? "/usr/bin/python3";
}
