/**
 * A disk that is full, fails or goes away under a server, when it starts and while it runs: a clear
 * line and exit code 1, or service that goes on; and nothing is acked that is not stored.
 * Each takes a second: a real process, and a disk that syncs.
 */

import assert from "node:assert/strict";
import { TempFolder } from "../attacks/server.ts";
import { assertStored, fatesOf, storedRows } from "./log_table.ts";
import { FAR, NEAR, NearClient, startServer, type Talker } from "./near_client.ts";
import { runProgram, ServerProgram } from "./programs.ts";
import { NO_SMALL_DISK, SmallDisk } from "./small_disk.ts";

const LINUX = Deno.build.os === "linux";
const KIB = 1024;

/** A test that needs a small disk; where that cannot be had, its name says so. */
function diskTest(name: string, work: () => Promise<void>): void {
  const why = NO_SMALL_DISK === undefined ? "" : ` (NOT RUN: no small disk: ${NO_SMALL_DISK})`;
  Deno.test({ name: `${name}${why}`, ignore: why !== "", fn: work });
}

/** Asserts an end with one line, and nothing on stdout. */
async function assertFails(args: string[], says: RegExp): Promise<void> {
  const { code, stdout, stderr } = await runProgram("server", args);
  assert.equal(code, 1, stderr);
  assert.match(stderr, says);
  assert.equal(stderr.trim().split("\n").length, 1, `one line: ${stderr}`);
  assert.deepEqual(stdout, []);
}

const start = (db: string): string[] => ["--port", "0", "--db", db];

async function sendAll(client: Talker, ids: readonly string[], text = "x"): Promise<void> {
  for (const id of ids) await client.send(text, id);
}

const named = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${name}-${at}`);

diskTest("a full disk at the start: exit 1, also where a database is already", async () => {
  using disk = new SmallDisk(1024 * KIB);
  const says = /^Error: Cannot use the database .*: it has no room left on its disk: make room/;
  {
    await using server = await startServer(disk.file("old.db"));
    server.kill("SIGTERM");
    assert.equal(await server.ended(), 0);
  }
  disk.fill("filler");
  await assertFails(start(disk.file("old.db")), says);
  await assertFails(start(disk.file("new.db")), says);
  await assertFails(["user", "list", "--db", disk.file("old.db")], says);
  disk.free("filler");
  await using server = await ServerProgram.start(["--db", disk.file("old.db")]);
  await using client = await NearClient.start(server.port);
  await client.send("there is room");
  await client.event("ack");
});

diskTest(
  "a disk that may only be read: the start is refused, whatever a crash left there",
  async () => {
    using disk = new SmallDisk(1024 * KIB);
    for (const [name, signal] of [["stopped.db", "SIGTERM"], ["crashed.db", "SIGKILL"]] as const) {
      await using server = await startServer(disk.file(name));
      server.kill(signal);
      await server.ended();
    }
    disk.makeReadOnly();
    const says =
      /^Error: Cannot use the database .*: it (?:may not be written|cannot be opened): check/;
    for (const name of ["stopped.db", "crashed.db", "new.db"]) {
      await assertFails(start(disk.file(name)), says);
    }
  },
);

diskTest(
  "a disk that fills up: what is refused is told, what is acked is stored, and readers go on",
  async () => {
    using disk = new SmallDisk(1024 * KIB);
    disk.take("spare", 300 * KIB);
    const db = disk.file("chat.db");
    await using server = await startServer(db);
    await using reader = await NearClient.start(server.port);
    await using sender = await NearClient.start(server.port);
    const ids = named("m", 500);
    const sent = sendAll(sender, ids, "x".repeat(KIB));
    const fates = await fatesOf(sender, ids.length);
    await sent;
    assert.ok(fates.acked.size > 0 && fates.refused.size > 0);
    assertStored(db, fates);
    assert.equal(storedRows(db).length, fates.acked.size, "what was refused is not stored");

    disk.fill("filler");
    await using late = await NearClient.start(server.port); // logins go on
    const address = `127.0.0.1:${server.port}`;
    const env = { FERNCHAT_PASSWORD: FAR.password };
    const lines = Array.from({ length: 100 }, (_, at) => `line ${at + 1} ${"y".repeat(2 * KIB)}\n`);
    const piped = await runProgram("client", [address, "--user", FAR.username], lines.join(""), {
      env,
    });
    assert.equal(piped.code, 1);
    const refused = [...piped.stderr.matchAll(/^Line (\d+) was not acked: /gm)];
    assert.equal(Number(refused.at(-1)?.[1]), lines.length, piped.stderr);

    disk.free("filler");
    disk.free("spare");
    const again = [...fates.refused].slice(0, 20);
    await sendAll(sender, again);
    const later = await fatesOf(sender, again.length);
    assert.deepEqual([later.acked.size, later.refused.size], [again.length, 0]);
    const heard: number[] = [];
    const end = Math.max(...later.acked.values());
    while (heard.at(-1) !== end) heard.push(Number((await reader.event("message"))["seq"]));
    assert.deepEqual(heard, storedRows(db).map(({ seq }) => seq)); // all, once, in order
    assert.equal((await late.event("message"))["type"], "message");
    const verified = await runProgram("server", ["log", "verify", "--db", db]);
    assert.equal(verified.code, 0, verified.stderr);
    server.kill("SIGKILL");
    await server.ended();
    assertStored(db, fates, later);
  },
);

Deno.test(
  "a failing disk: each message is refused, and the server goes on",
  { ignore: !LINUX },
  async () => {
    using folder = new TempFolder();
    const db = folder.file("chat.db");
    // No file may grow beyond 200 KiB: to SQLite, that is a write that fails.
    const shell = 'trap "" XFSZ; ulimit -f 400; exec "$@"';
    await using server = await startServer(db, [], { shell });
    await using sender = await NearClient.start(server.port);
    const ids = named("m", 300);
    const sent = sendAll(sender, ids, "x".repeat(KIB));
    const fates = await fatesOf(sender, ids.length);
    await sent;
    assert.ok(fates.acked.size > 0 && fates.refused.size > 0);
    await using late = await NearClient.start(server.port);
    server.kill("SIGTERM");
    await late.event("reconnecting"); // the server has said good-bye
    assert.equal(await server.ended(), 0);
    assert.match(
      await server.stderr,
      /it could not be read or written by the system: check the disk/,
    );
    assertStored(db, fates);
    assert.equal((await runProgram("server", ["log", "verify", "--db", db])).code, 0);
  },
);

Deno.test(
  "a server whose own reports find no room on the disk goes on",
  { ignore: !LINUX },
  async () => {
    using folder = new TempFolder();
    const shell = 'exec "$@" 2>/dev/full';
    await using server = await startServer(folder.file("a.db"), [], { shell });
    {
      using stranger = await Deno.connect({ port: server.port });
      await stranger.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
      while (await stranger.read(new Uint8Array(1024)) !== null); // it was reported, and hung up
    }
    await using client = await NearClient.start(server.port);
    await client.send("still here");
    await client.event("ack");
  },
);

Deno.test("a folder that is removed under a server: nothing more is acked, logins go on", {
  ignore: !LINUX,
}, async () => {
  using folder = new TempFolder();
  Deno.mkdirSync(folder.file("data"));
  const db = folder.file("data/chat.db");
  await using server = await startServer(db);
  await using sender = await NearClient.start(server.port);
  await sender.send("stored", "before");
  await sender.event("ack");
  Deno.removeSync(folder.file("data"), { recursive: true });
  await sendAll(sender, named("lost", 20));
  assert.equal((await fatesOf(sender, 20)).refused.size, 20);
  await using late = await NearClient.start(server.port);
  await late.endInput();
  assert.equal(await late.ended(), 0);
  server.kill("SIGTERM");
  assert.equal(await server.ended(), 0);
  assert.match(
    await server.stderr,
    /it was removed or replaced while in use: put it back, or start/,
  );
  await assertFails(start(db), /^Error: Cannot use the database .*: it cannot be opened: .*folder/);
});

Deno.test("a folder that was away for a while: what was acked before and after is stored", {
  ignore: !LINUX,
}, async () => {
  using folder = new TempFolder();
  Deno.mkdirSync(folder.file("data"));
  const db = folder.file("data/chat.db");
  await using server = await startServer(db);
  await using sender = await NearClient.start(server.port);
  await sendAll(sender, named("before", 10));
  const before = await fatesOf(sender, 10);
  Deno.renameSync(folder.file("data"), folder.file("away"));
  await sendAll(sender, named("away", 10));
  assert.equal((await fatesOf(sender, 10)).refused.size, 10);
  Deno.renameSync(folder.file("away"), folder.file("data"));
  await sendAll(sender, named("after", 10));
  const after = await fatesOf(sender, 10);
  assert.equal(before.acked.size + after.acked.size, 20);
  // Who comes now finds a log that continues.
  await using late = await NearClient.start(server.port, NEAR, { history: 0 });
  await sender.send("heard", "heard");
  assert.equal((await late.event("message"))["id"], "heard");
  server.kill("SIGKILL");
  await server.ended();
  assertStored(db, before, after);
  assert.equal(storedRows(db).length, 21, "what was refused is not stored");
});

Deno.test("a journal that is removed under a server: what was acked outlives a crash", {
  ignore: !LINUX,
}, async () => {
  using folder = new TempFolder();
  const db = folder.file("chat.db");
  await using server = await startServer(db);
  await using sender = await NearClient.start(server.port);
  await sendAll(sender, named("before", 10));
  const before = await fatesOf(sender, 10);
  for (const name of ["chat.db-wal", "chat.db-shm"]) Deno.removeSync(folder.file(name));
  await sendAll(sender, named("lost", 10));
  assert.equal((await fatesOf(sender, 10)).refused.size, 10);
  server.kill("SIGKILL");
  await server.ended();
  assert.match(await server.stderr, /it has lost its journal .*: start the server again/);
  await using again = await ServerProgram.start(["--db", db]);
  await using client = await NearClient.start(again.port);
  await sendAll(client, named("after", 10));
  const after = await fatesOf(client, 10);
  assert.equal(before.acked.size + after.acked.size, 20);
  assertStored(db, before, after);
});
