/**
 * What an operator sees of sealed rooms on the server's console: that they are there and whole, and
 * not what is said in them, unless a member gave the keys away. Each takes seconds: real processes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { FernetKey } from "../../lib/fernet.ts";
import { ALICE, BOB, TestServer } from "../attacks/server.ts";
import { OldDatabase } from "../old_database.ts";
import { ROOM, SAID, speakAndLeave } from "../sealed/spoken_room.ts";
import { runProgram } from "./programs.ts";

/** A server's database in which people have spoken in a sealed room, and key files. */
class Scene implements AsyncDisposable {
  readonly #server: TestServer;
  /** The lobby's keys. */
  readonly lobby: string;
  /** Those that alice has exported. */
  readonly exported: string;

  private constructor(server: TestServer) {
    this.#server = server;
    [this.lobby, this.exported] = [server.folder.file("lobby"), server.folder.file("exported")];
  }

  static async set(): Promise<Scene> {
    const server = await TestServer.start([ALICE, BOB]);
    const scene = new Scene(server);
    Deno.writeTextFileSync(scene.exported, await speakAndLeave(server, [ALICE, BOB]));
    Deno.writeTextFileSync(scene.lobby, server.key);
    return scene;
  }

  /** Runs a command on the database. */
  run(...args: string[]): ReturnType<typeof runProgram> {
    return runProgram("server", [...args, "--db", this.#server.db], "another lamp 7");
  }

  /** Runs one that has to succeed without a word on stderr; gives what it says. */
  async said(...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.run(...args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    return stdout;
  }

  /** The same, each line being JSON. */
  // deno-lint-ignore no-explicit-any
  async json(...args: string[]): Promise<any[]> {
    return (await this.said(...args)).map((line) => JSON.parse(line));
  }

  edit(sql: string): void {
    const database = new DatabaseSync(this.#server.db);
    database.exec(sql);
    database.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

Deno.test("the console shows that a sealed room is there and whole, and nothing that was said", async (t) => {
  await using scene = await Scene.set();

  await t.step("room list: its kind, and how many members it has", async () => {
    const [head, lobby, physics] = await scene.said("room", "list");
    assert.equal(head, "NAME     KIND    MEMBERS  SLOW  TOPIC");
    assert.match(lobby ?? "", /^lobby {4}open$/);
    assert.match(physics ?? "", /^physics {2}sealed {2}1 *$/);
    const [{ rooms }] = await scene.json("room", "list", "--json");
    assert.deepEqual(
      rooms.map(({ name, kind, members }: Record<string, unknown>) => [name, kind, members]),
      [["lobby", "open", undefined], [ROOM, "sealed", 1]],
    );
  });

  await t.step("log verify: its chain", async () => {
    const [verdict] = await scene.json("log", "verify", "--json", "--room", ROOM);
    assert.deepEqual([verdict.event, verdict.rows], ["log-verified", SAID.length]);
  });

  await t.step("log show and export: sealed rows, which are no failure", async () => {
    const keys = ["--key-file", scene.lobby];
    const shown = await scene.said("log", "show", ...keys);
    assert.equal(shown.length, SAID.length);
    for (const [at, line] of shown.entries()) {
      const seen = `physics ${at + 1} ${SAID[at]?.[0]} -- sealed: its members have the key`;
      assert.match(line, new RegExp(`\\] ${seen} [0-9a-f]{8}$`));
    }
    for (const command of [["show", "--json"], ["export"]]) {
      const rows = await scene.json("log", ...command, ...keys);
      const opened = rows.map(({ text, error, sealed }) => [text, error, sealed]);
      assert.deepEqual(opened, SAID.map(() => [null, null, true]));
    }
    const csv = await scene.said("log", "export", "--format", "csv", ...keys);
    assert.match(csv[0] ?? "", /,"text","error","action","commit","leave","sealed"\r?$/);
    assert.match(csv[1] ?? "", /",,,,,,"true"\r?$/);
  });

  await t.step("key show: whose keys those are", async () => {
    const keys = ["key", "show", "--key-file", scene.lobby];
    const lines = await scene.said(...keys);
    assert.equal(lines.at(-1), "(sealed)           7  their members' alone");
    const [{ missing, sealed }] = await scene.json(...keys, "--json");
    assert.deepEqual([missing, sealed], [[], SAID.length]);
  });
});

Deno.test("with the keys that a member exported, the console shows what was said, and what was not", async (t) => {
  await using scene = await Scene.set();
  const keys = ["--room", ROOM, "--key-file", scene.exported];

  await t.step("log show: words, deeds and changes", async () => {
    const shown = await scene.said("log", "show", ...keys);
    assert.deepEqual(shown.map((line) => line.slice("[2026-01-01 00:00:00] ".length)), [
      "physics 1 alice: hello before you came",
      "physics 2 * alice added bob",
      "physics 3 * alice waves at bob",
      "physics 4 bob: two ⏎ lines: 你好",
      "physics 5 * bob leaves",
      "physics 6 * alice shuts out bob, who left",
      "physics 7 alice: alone again",
    ]);
  });

  await t.step("log export: the same, and what a change was of", async () => {
    const rows = await scene.json("log", "export", ...keys);
    assert.deepEqual(rows.map(({ sender, text }) => [sender, text]), SAID);
    const deeds = rows.map((
      { action, leave, commit, sealed },
    ) => [action, leave, sealed, !!commit]);
    assert.deepEqual(deeds[1], [undefined, undefined, undefined, true]);
    assert.deepEqual(deeds[2], [true, undefined, undefined, false]);
    assert.deepEqual(deeds[4], [undefined, true, undefined, false]);
    assert.match(rows[1].commit, /^[0-9a-f]{64}$/);
  });

  await t.step("key show counts the messages of each", async () => {
    const [{ keys, sealed }] = await scene.json(
      ...["key", "show", "--key-file", scene.exported, "--json"],
    );
    const counts = keys.map(({ messages }: { messages: number }) => messages);
    assert.deepEqual([counts, sealed], [[1, 4, 2], 0]);
  });

  await t.step("what is not what its sender wrote is an error: exit 1", async () => {
    scene.edit("UPDATE messages SET sender = 'mallory' WHERE room = 'physics' AND seq = 4");
    scene.edit("UPDATE messages SET room = 'lobby', seq = 90 WHERE room = 'physics' AND seq = 7");
    const { code, stdout, stderr } = await scene.run("log", "show", "--key-file", scene.exported);
    assert.equal(code, 1);
    assert.match(stderr, /^Error: 2 of 7 messages could not be read: /);
    const wrong = stdout.filter((line) => line.includes(" -- not what its sender wrote: "));
    assert.deepEqual(wrong.map((line) => line.split(" ")[4]), ["mallory", "alice"]);
  });
});

/** Keys that are not there are an error in open rooms, as ever, also where there are sealed ones. */
Deno.test("a key that is missing for an open room is an error still; a file of any version is read", async () => {
  for (const version of [1, 2]) {
    using old = new OldDatabase(version);
    const show = ["log", "show", "--db", old.path, "--key-file"];
    const { code, stdout } = await runProgram("server", [...show, old.keyFile]);
    assert.deepEqual([code, stdout.length], [0, 3]);
    const stranger = await runProgram("server", [...show, "-"], `${FernetKey.generate()}\n`);
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /^Error: 3 of 3 messages could not be read: /);
    assert.equal(old.version(), version);
  }
});

Deno.test("who takes an account's password or the account is told what goes with it, before", async (t) => {
  await using scene = await Scene.set();
  const dropped = "Note: alice loses the history of its sealed rooms, which its old password " +
    "alone opens, and others see a new identity\n";

  await t.step("user passwd, before it asks for the password", async () => {
    const { code, stderr } = await scene.run("user", "passwd", "ALICE"); // no terminal, no file
    assert.deepEqual([code, stderr.startsWith(`${dropped}Error: No password`)], [2, true], stderr);
    const done = await scene.run("user", "passwd", "alice", "--json", "--password-file", "-");
    assert.deepEqual([done.code, done.stderr], [0, dropped]);
    assert.deepEqual(done.stdout, ['{"event":"user-changed","name":"alice"}']);
  });

  await t.step("not again, as nothing is left", async () => {
    await scene.said("user", "passwd", "alice", "--password-file", "-");
    await scene.said("user", "remove", "alice");
  });

  await t.step("user remove", async () => {
    const { code, stdout, stderr } = await scene.run("user", "remove", "bob");
    assert.deepEqual([code, stdout], [0, ["Removed bob and ended its sessions"]]);
    assert.match(stderr, /^Note: bob loses its sealed rooms for good: [^\n]*\n$/);
  });

  await t.step("nor for one that is not there", async () => {
    const { code, stderr } = await scene.run("user", "passwd", "bob");
    assert.deepEqual([code, stderr.split("\n").length], [1, 2], stderr);
  });
});
