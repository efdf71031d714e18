/**
 * What an operator does on the server's console, beside a running server: accounts with names and
 * roles, rooms, and the audit trail. Each takes seconds: real processes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openDatabase } from "../../lib/database.ts";
import { CONSOLE, Operations } from "../../lib/server/operations.ts";
import { TempFolder } from "../attacks/server.ts";
import { runProgram, ServerProgram } from "./programs.ts";

const LONG_NAME = "a-very-long-name-of-32-character";

const PASSWORD = "a lamp of one's own 7";

/** A running server, and commands on its database. */
class Console implements AsyncDisposable {
  readonly #folder = new TempFolder();
  readonly db = this.#folder.file("chat_logs.db");
  #server: ServerProgram | undefined;

  static async beside(): Promise<Console> {
    const made = new Console();
    made.#server = await ServerProgram.start(["--db", made.db]);
    return made;
  }

  /** Runs a command to its end. */
  run(...args: string[]): ReturnType<typeof runProgram> {
    return runProgram("server", [...args, "--db", this.db], PASSWORD);
  }

  /** Runs one that has to succeed; returns what it says. */
  async said(...args: string[]): Promise<string[]> {
    const { code, stdout, stderr } = await this.run(...args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
    return stdout;
  }

  /** The same with `--json`, one value a line. */
  // deno-lint-ignore no-explicit-any
  async json(...args: string[]): Promise<any[]> {
    return (await this.said(...args, "--json")).map((line) => JSON.parse(line));
  }

  /** Runs one that has to be refused, in one harmless line; returns that. */
  async refused(code: number, ...args: string[]): Promise<string> {
    const { code: ended, stdout, stderr } = await this.run(...args);
    assert.deepEqual([ended, stdout], [code, []], stderr);
    assert.match(stderr, /^Error: [\x20-\x7e]{1,400}\n$/);
    return stderr;
  }

  add(name: string, ...flags: string[]): Promise<string[]> {
    return this.said("user", "add", name, "--password-file", "-", ...flags);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

/** Of each kind one: `tests/auth/names_test.ts` has them all. */
const BAD_NAMES = ["\u0430dmin", "\x1b[2Juser1\x07", "user\u202e1", ""];

Deno.test("names that could deceive are refused by the rule, and nothing is made", async () => {
  await using console = await Console.beside();
  await console.add("alice");
  const add = (name: string): string[] => ["user", "add", name, "--password-file", "-"];
  for (const name of BAD_NAMES) {
    assert.match(
      await console.refused(2, ...add(name)),
      /Not a user name: .*: use 1 to 32 letters/,
    );
  }
  assert.match(await console.refused(2, ...add("Admin")), /it is reserved/);
  assert.match(await console.refused(2, ...add("adm1n")), /it looks like admin/);
  assert.match(await console.refused(1, ...add("ALICE")), /there is an account of that name/);
  assert.match(await console.refused(1, ...add("a1ice")), /it looks like the account "alice"/);
  assert.deepEqual((await console.json("audit")).map(({ target }) => target), ["alice"]);
  assert.deepEqual((await console.json("user", "list"))[0].users.length, 1);
});

Deno.test("a name is refused before anybody is asked for a password", async () => {
  await using console = await Console.beside();
  const said = await console.refused(2, "user", "add", "admin"); // no password file, no terminal
  assert.match(said, /it is reserved/);
});

Deno.test("of two who add one name at the same moment, one gets it", async () => {
  await using console = await Console.beside();
  const add = (name: string): ReturnType<typeof runProgram> =>
    console.run("user", "add", name, "--password-file", "-");
  const ended = await Promise.all([add("alice"), add("Alice")]);
  assert.deepEqual(ended.map(({ code }) => code).sort(), [0, 1]);
  const loser = ended.find(({ code }) => code === 1);
  assert.match(loser?.stderr ?? "", /^Error: Cannot add \w+: there is an account of that name/);
  assert.equal((await console.json("user", "list"))[0].users.length, 1);
  assert.equal((await console.json("audit")).length, 1);
});

Deno.test("roles: given with user add, changed with user role, shown by user list", async () => {
  await using console = await Console.beside();
  assert.deepEqual(await console.add("olga", "--role", "operator"), ["Added olga as an operator"]);
  assert.deepEqual(await console.add("mia"), ["Added mia"]);
  assert.deepEqual(await console.said("user", "role", "MIA", "operator"), [
    "mia is an operator now",
  ]);
  assert.deepEqual(await console.json("user", "role", "olga", "member"), [
    { event: "user-role", name: "olga", role: "member" },
  ]);
  const [head, ...rows] = await console.said("user", "list");
  assert.equal(head, "NAME  ROLE      ADDED");
  assert.match(rows.join("\n"), /^mia {3}operator {2}\S{24}\nolga {2}member {4}\S{24}$/);
  const [{ users }] = await console.json("user", "list");
  assert.deepEqual(users.map(({ name, role }: { name: string; role: string }) => [name, role]), [
    ["mia", "operator"],
    ["olga", "member"],
  ]);
  assert.match(await console.refused(2, "user", "role", "mia", "king"), /member, operator/);
  assert.match(
    await console.refused(2, "user", "add", "eve", "--role", "king"),
    /member, operator/,
  );
  assert.match(await console.refused(1, "user", "role", "nobody", "member"), /no account "nobody"/);
});

Deno.test("the demo account is listed as such, and cannot become an operator", async () => {
  await using console = await Console.beside();
  const demo = async (): Promise<boolean> =>
    (await console.json("user", "list"))[0].users.some((user: { demo: boolean }) => user.demo);
  while (!await demo()); // the server makes it after it listens
  assert.match(
    (await console.said("user", "list"))[1] ?? "",
    /^user1 .*\(demo, on loopback only\)$/,
  );
  assert.match(await console.refused(1, "user", "role", "user1", "operator"), /demo account/);
});

Deno.test("kick, passwd and remove say what they did, to whom in the account's own spelling", async () => {
  await using console = await Console.beside();
  await console.add("Mia");
  const kicked = await console.said("user", "kick", "mia", "--reason", "left it open");
  assert.deepEqual(kicked, ["Ended all sessions of Mia"]);
  const changed = await console.said("user", "passwd", "mia", "--password-file", "-");
  assert.deepEqual(changed, ["Changed Mia's password"]);
  const removed = await console.said("user", "remove", "mia");
  assert.deepEqual(removed, ["Removed Mia and ended its sessions"]);
  const entries = await console.json("audit");
  assert.deepEqual(
    entries.map(({ actor, action, target, reason }) => [actor, action, target, reason]),
    [
      ["console", "add", "Mia", "member"],
      ["console", "end-sessions", "Mia", "left it open"],
      ["console", "password", "Mia", ""],
      ["console", "remove", "Mia", ""],
    ],
  );
  for (const command of ["kick", "passwd", "remove"]) {
    await console.refused(1, "user", command, "mia\x1b[2J");
  }
});

Deno.test("rooms are made and listed with their kind and topic; each name once", async () => {
  await using console = await Console.beside();
  const topic = "atoms and the void";
  assert.deepEqual(await console.said("room", "create", "physics", "--topic", topic), [
    "Created the open room physics",
  ]);
  assert.deepEqual(await console.said("room", "list"), [
    "NAME     KIND  MEMBERS  SLOW  TOPIC",
    "lobby    open",
    "physics  open                 atoms and the void",
  ]);
  const [{ rooms }] = await console.json("room", "list");
  assert.deepEqual(rooms.map(({ name, kind }: { name: string; kind: string }) => [name, kind]), [
    ["lobby", "open"],
    ["physics", "open"],
  ]);
  await console.refused(1, "room", "create", "lobby");
  for (const name of ["Physics", "../x", "\u0440hysics", "x".repeat(200), "everyone", "\x1b[2J"]) {
    await console.refused(2, "room", "create", name);
  }
  await console.refused(2, "room", "create", "art", "--topic", "\x1b[2J");
  assert.equal((await console.json("room", "list"))[0].rooms.length, 2);
});

Deno.test("audit shows who did what to whom, why and when: 80 columns for people, JSON for programs", async () => {
  await using console = await Console.beside();
  await console.add("olga", "--role", "operator");
  await console.add(LONG_NAME);
  const database = openDatabase(console.db);
  const operations = await Operations.open(database, console.db);
  const reason = `spam, ${"again and ".repeat(15)}again`;
  operations.ban("olga", LONG_NAME, { seconds: 3_600, reason });
  // An edited database may hold anything.
  operations.audit.note({ actor: "\x1b[2J", action: "x\ny", target: "\u202ez", reason: "\x07" });
  database.close();
  const lines = await console.said("audit");
  assert.match(lines[0] ?? "", /^WHEN \(UTC\) +WHO +DID +WHOM +WHY$/);
  assert.match(lines[1] ?? "", /^\d{4}-\d\d-\d\d \d\d:\d\d +console +add +olga +operator$/);
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.doesNotMatch(lines.join(""), /[\p{Cc}\p{Cf}]/u);
  const entries = await console.json("audit");
  assert.deepEqual(entries.map(({ id }) => id), [1, 2, 3, 4]);
  const { at, until, ...ban } = entries[2];
  assert.deepEqual(ban, {
    ...{ id: 3, actor: "olga", action: "ban", target: LONG_NAME },
    ...{ room: null, reason },
  });
  assert.equal(Date.parse(until) - Date.parse(at) > 3_599_000, true);
  assert.deepEqual((await console.json("audit", "--limit", "2")).map(({ id }) => id), [3, 4]);
  for (const limit of ["0", "-1", "x", "1e3"]) await console.refused(2, "audit", "--limit", limit);
});

Deno.test("bans and mutes show in user list while they hold", async () => {
  await using console = await Console.beside();
  for (const name of ["mia", "ben"]) await console.add(name);
  const database = openDatabase(console.db);
  const operations = await Operations.open(database, console.db);
  const { until } = operations.ban(CONSOLE, "mia", { seconds: 3_600, reason: "spam" });
  operations.mute(CONSOLE, "mia", { reason: "" });
  operations.sanctions.impose("ben", "ban", { until: "2026-01-01T00:00:00.000Z", reason: "over" });
  database.close();
  const [{ users }] = await console.json("user", "list");
  assert.deepEqual(users.map(({ ban, mute }: { ban: unknown; mute: unknown }) => [ban, mute]), [
    [null, null],
    [{ until, reason: "spam" }, { reason: "" }],
  ]);
  const shown = (await console.said("user", "list")).join(" ").replaceAll(/\s+/g, " ");
  assert.match(shown, new RegExp(`banned until ${until}; muted$`));
});

Deno.test("without a database, only what makes things makes one", async () => {
  await using console = new Console();
  for (const args of [["audit"], ["room", "list"], ["user", "kick", "mia"]]) {
    assert.match(await console.refused(1, ...args), /there is no such file/);
  }
  await console.said("room", "create", "physics");
  assert.equal((await console.said("audit")).length, 2);
});
