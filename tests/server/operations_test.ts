/**
 * What operators do: who may, to whom, and that each deed and its entry in the audit trail stand or
 * fall together.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Accounts } from "../../lib/auth/accounts.ts";
import { openDatabase, serveOthers, transaction } from "../../lib/database.ts";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { type Actor, CONSOLE, Operations } from "../../lib/server/operations.ts";
import { assertThrows, TempFolder } from "../attacks/server.ts";

const NOON = new Date("2026-01-01T12:00:00.000Z");
const IN_AN_HOUR = "2026-01-01T13:00:00.000Z";
const WHY = { reason: "why" };

/** A database at noon, with the operators Olga and Oscar, and the members Mia and Ben. */
async function open(path: string): Promise<Operations & Disposable> {
  const database = openDatabase(path);
  const accounts = await Accounts.open(database, path);
  const operations = new Operations(accounts, database, path, () => NOON);
  for (const name of ["Olga", "Oscar"]) accounts.create(name, "record", "operator");
  for (const name of ["Mia", "Ben"]) accounts.create(name, "record", "member");
  return Object.assign(operations, { [Symbol.dispose]: () => database.close() });
}

/** Runs a test over such a database. */
async function withStaff(
  test: (operations: Operations, path: string) => void | Promise<void>,
): Promise<void> {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  using operations = await open(path);
  await test(operations, path);
}

/** The trail, each entry as one text. */
function trail({ audit }: Operations): string[] {
  return audit.read(100).map(({ actor, action, target, room, until, reason }) =>
    [actor, action, target, room, until, reason].map((one) => one ?? "-").join(" ").trimEnd()
  );
}

/** Everything that an operator can do to somebody, or to a room. */
const AGAINST: { readonly [name: string]: (o: Operations, actor: Actor, name: string) => unknown } =
  {
    ban: (o, actor, name) => o.ban(actor, name, WHY),
    mute: (o, actor, name) => o.mute(actor, name, WHY),
    kick: (o, actor, name) => o.kick(actor, name, LOBBY, "why"),
    endSessions: (o, actor, name) => o.endSessions(actor, name, "why"),
    setRole: (o, actor, name) => o.setRole(actor, name, "member"),
    setPassword: (o, actor, name) => o.setPassword(actor, name, "a new lamp"),
    removeAccount: (o, actor, name) => o.removeAccount(actor, name),
  };
const OTHERWISE: typeof AGAINST = {
  unban: (o, actor, name) => o.unban(actor, name),
  unmute: (o, actor, name) => o.unmute(actor, name),
};
const TO_ROOMS: typeof AGAINST = {
  addAccount: (o, actor) => o.addAccount(actor, "newcomer", "a new lamp", "member"),
  createRoom: (o, actor) => o.createRoom(actor, "physics", ""),
  setTopic: (o, actor) => o.setTopic(actor, LOBBY, "atoms"),
  setSlow: (o, actor) => o.setSlow(actor, LOBBY, 5),
};

for (const [deed, act] of Object.entries({ ...AGAINST, ...OTHERWISE, ...TO_ROOMS })) {
  Deno.test(`${deed}: a member, a former operator and an unknown one may not, and nothing happens`, async () => {
    await withStaff((operations) => {
      operations.sanctions.impose("Ben", "ban", { until: undefined, reason: "" });
      operations.sanctions.impose("Ben", "mute", { until: undefined, reason: "" });
      operations.setRole(CONSOLE, "Oscar", "member");
      const before = everything(operations);
      for (const actor of ["Mia", "Oscar", "stranger", "console"]) {
        assertThrows(() => act(operations, actor, "Ben"), EnvironmentError, "not-operator");
      }
      assert.deepEqual(everything(operations), before);
    });
  });
}

for (const [deed, act] of Object.entries(AGAINST)) {
  Deno.test(`${deed}: not against oneself, another operator or nobody, and nothing happens`, async () => {
    await withStaff((operations) => {
      const before = everything(operations);
      const refuse = (name: string, code: string): EnvironmentError =>
        assertThrows(() => act(operations, "olga", name), EnvironmentError, code);
      refuse("OLGA", "target-self");
      assert.match(refuse("oscar", "target-operator").hint ?? "", /user role/);
      const unknown = refuse("\x1b[2Jnobody\u202e", "name-unknown");
      assert.match(unknown.message, /^[\x20-\x7e]+$/);
      assert.deepEqual(everything(operations), before);
    });
  });

  Deno.test(`${deed}: the console may, against an operator too`, async () => {
    await withStaff((operations) => {
      act(operations, CONSOLE, "oscar");
      const [entry, more] = trail(operations);
      assert.match(entry ?? "", /^console [a-z-]+ Oscar /);
      assert.equal(more, undefined);
    });
  });
}

/** All that operations change. */
function everything({ accounts, sanctions, audit, rooms }: Operations): unknown {
  const people = accounts.list();
  const held = people.map((
    { name },
  ) => [sanctions.find(name, "ban"), sanctions.find(name, "mute")]);
  return { people, held, audit: audit.read(100), rooms: rooms.list() };
}

Deno.test("a ban says whom and until when, ends sessions, and holds until it is lifted", async () => {
  await withStaff((operations) => {
    const { accounts, sanctions } = operations;
    const epoch = accounts.get("Mia").sessionEpoch;
    const done = operations.ban("olga", "MIA", { seconds: 3_600, reason: "spam" });
    assert.deepEqual(done, { account: "Mia", until: IN_AN_HOUR });
    assert.deepEqual(sanctions.find("mia", "ban", NOON), { until: IN_AN_HOUR, reason: "spam" });
    assert.equal(accounts.get("Mia").sessionEpoch, epoch + 1);
    operations.ban("olga", "mia", WHY);
    assert.deepEqual(operations.unban("Oscar", "mia"), { account: "Mia" });
    assert.equal(sanctions.find("mia", "ban", NOON), undefined);
    assert.deepEqual(trail(operations), [
      `Olga ban Mia - ${IN_AN_HOUR} spam`,
      "Olga ban Mia - - why",
      "Oscar unban Mia - -",
    ]);
  });
});

Deno.test("a mute ends no sessions; unmute and unban say if there was nothing to lift", async () => {
  await withStaff((operations) => {
    const epoch = operations.accounts.get("Mia").sessionEpoch;
    operations.mute("olga", "mia", { seconds: 3_600, ...WHY });
    assert.equal(operations.accounts.get("Mia").sessionEpoch, epoch);
    operations.unmute("olga", "mia");
    assertThrows(() => operations.unmute("olga", "mia"), EnvironmentError, "not-muted");
    assertThrows(() => operations.unban("olga", "mia"), EnvironmentError, "not-banned");
    assert.deepEqual(trail(operations), [
      `Olga mute Mia - ${IN_AN_HOUR} why`,
      "Olga unmute Mia - -",
    ]);
  });
});

Deno.test("an operator who was muted before can be unmuted", async () => {
  await withStaff((operations) => {
    operations.mute("olga", "mia", WHY);
    operations.setRole(CONSOLE, "mia", "operator");
    assert.deepEqual(operations.unmute("olga", "mia"), { account: "Mia" });
  });
});

Deno.test("a kick is from a room that there is, and changes nothing but the trail", async () => {
  await withStaff((operations) => {
    const epoch = operations.accounts.get("Mia").sessionEpoch;
    assert.deepEqual(operations.kick("olga", "mia", LOBBY, "why"), { account: "Mia" });
    const nowhere = (): unknown => operations.kick("olga", "mia", "nowhere", "why");
    assertThrows(nowhere, EnvironmentError, "room-unknown");
    assert.equal(operations.accounts.get("Mia").sessionEpoch, epoch);
    assert.deepEqual(trail(operations), ["Olga kick Mia lobby - why"]);
  });
});

Deno.test("roles, sessions, passwords and removals, each with its entry", async () => {
  await withStaff((operations) => {
    const { accounts } = operations;
    const [epoch, { record } = { record: "" }] = [
      accounts.get("Mia").sessionEpoch,
      accounts.find("mia"),
    ];
    operations.setRole(CONSOLE, "mia", "operator");
    assert.equal(accounts.get("Mia").role, "operator");
    operations.endSessions(CONSOLE, "mia", "");
    operations.setPassword(CONSOLE, "mia", "a new lamp");
    assert.equal(accounts.get("Mia").sessionEpoch, epoch + 2);
    assert.notEqual(accounts.find("mia")?.record, record);
    operations.removeAccount(CONSOLE, "mia");
    operations.addAccount(CONSOLE, "mia", "another lamp", "operator");
    assert.deepEqual(trail(operations), [
      "console role Mia - - operator",
      "console end-sessions Mia - -",
      "console password Mia - -",
      "console remove Mia - -",
      "console add mia - - operator",
    ]);
  });
});

Deno.test("rooms, topics and slow mode, each with its entry", async () => {
  await withStaff((operations) => {
    const room = operations.createRoom("olga", "physics", "atoms");
    assert.deepEqual([room.name, room.kind, room.topic, room.slow], [
      "physics",
      "open",
      "atoms",
      0,
    ]);
    assert.equal(operations.setTopic("olga", "physics", "waves").topic, "waves");
    assert.equal(operations.setSlow("olga", "physics", 90).slow, 90);
    assert.equal(operations.setSlow("olga", "physics", 0).slow, 0);
    assert.deepEqual(trail(operations), [
      "Olga create-room physics physics - atoms",
      "Olga topic physics physics - waves",
      "Olga slow physics physics - 1 minute 30 seconds",
      "Olga slow physics physics - off",
    ]);
  });
});

Deno.test("what fails leaves no entry", async () => {
  await withStaff((operations) => {
    const { rooms, accounts } = operations;
    const failing = [
      () => operations.createRoom("olga", LOBBY, ""),
      () => operations.createRoom("olga", "server", ""),
      () => operations.setTopic("olga", "nowhere", ""),
      () => operations.setSlow("olga", LOBBY, -1),
      () => operations.addAccount(CONSOLE, "rnia", "pw", "member"),
      () => operations.addAccount(CONSOLE, "new", "", "member"),
      () => operations.setPassword(CONSOLE, "mia", ""),
    ];
    for (const act of failing) assert.throws(act, /\w/);
    for (const reason of ["two\nlines", "x".repeat(201), "\x1b[2J"]) {
      const ban = (): unknown => operations.ban("olga", "mia", { reason });
      assertThrows(ban, CallerError, "reason-invalid");
    }
    assert.deepEqual([trail(operations), rooms.list().length, accounts.list().length], [[], 1, 4]);
  });
});

Deno.test("an entry that cannot be written undoes its deed", async () => {
  await withStaff((operations, path) => {
    const database = openDatabase(path);
    transaction(database, () => database.exec("ALTER TABLE audit RENAME TO elsewhere"));
    for (const act of Object.values({ ...AGAINST, ...TO_ROOMS })) {
      assertThrows(() => act(operations, "olga", "mia"), EnvironmentError, "database-failed");
    }
    transaction(database, () => database.exec("ALTER TABLE elsewhere RENAME TO audit"));
    database.close();
    const { people, held, rooms } = everything(operations) as { [part: string]: unknown[] };
    assert.deepEqual([people?.length, held?.flat().filter(Boolean), rooms?.length], [4, [], 1]);
    assert.equal(operations.accounts.find("mia")?.record, "record");
  });
});

Deno.test("the demo account gets no role, and the name of the console none that it could misuse", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  const database = openDatabase(path);
  const operations = await Operations.open(database, path);
  operations.accounts.ensureDemo();
  const promote = (name: string) => (): unknown => operations.setRole(CONSOLE, name, "operator");
  assertThrows(promote("user1"), EnvironmentError, "demo-account");
  database.exec(
    `INSERT INTO accounts VALUES ('Console', 'record', 0, '2026', 'member', 0)`,
  ); // from before it was reserved
  assertThrows(promote("console"), CallerError, "name-reserved");
  database.close();
});

Deno.test("beside a writer that holds the lock, an operation of a server fails at once", async () => {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  using operations = await open(path);
  const database = openDatabase(path);
  const server = new Operations(operations.accounts, database, path);
  serveOthers(database);
  const other = openDatabase(path);
  other.exec("BEGIN IMMEDIATE");
  assertThrows(
    () => server.createRoom(CONSOLE, "physics", ""),
    EnvironmentError,
    "database-locked",
  );
  other.exec("ROLLBACK");
  server.createRoom(CONSOLE, "physics", "");
  for (const one of [other, database]) one.close();
});
