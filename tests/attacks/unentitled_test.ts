/**
 * A member without rights who asks for all that operators may do: it changes nothing, takes no lock,
 * and ends nobody's connection. And operators whose server cannot write just now.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openDatabase } from "../../lib/database.ts";
import { type Request, request as schema } from "../../lib/protocol/requests.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { OLGA, onConsole, say, startWithOperator } from "../server/speaker.ts";
import { ALICE, BOB, RawMember, type TestServer } from "./server.ts";

/** What everyone may ask for. */
const OPEN_TO_ALL = ["rooms", "names", "whois", "away", "back"];

/** What everyone may ask for about the own vault, and about sealed rooms: see `tests/server/sealed_*`. */
const SEALED = [
  ...["blobs", "get", "put", "lease", "publish", "claim", "look"],
  ...["create_sealed", "direct", "commit", "welcome", "resign"],
];

/** What operators alone may. */
const DEEDS: readonly Request[] = [
  { do: "create_room", room: "den", topic: "" },
  { do: "topic", room: LOBBY, topic: "mine" },
  { do: "slow", room: LOBBY, seconds: 60 },
  { do: "kick", room: LOBBY, user: "bob", reason: "" },
  { do: "ban", user: "bob", reason: "" },
  { do: "unban", user: "bob" },
  { do: "mute", user: "bob", reason: "" },
  { do: "unmute", user: "bob" },
];

/** Everything in the database that a deed could change. */
function contents(server: TestServer): Promise<unknown> {
  return onConsole(server, ({ accounts, audit, rooms, sanctions }) => [
    ...[accounts.list(), audit.read(1_000), rooms.list()],
    ...[[...sanctions.all("ban")], [...sanctions.all("mute")]],
  ]);
}

/** Does something while another process writes to the database. */
async function whileLocked(server: TestServer, work: () => Promise<void>): Promise<void> {
  const database = openDatabase(server.db);
  try {
    database.exec("BEGIN IMMEDIATE");
    await work();
    database.exec("ROLLBACK");
  } finally {
    database.close();
  }
}

Deno.test("the list of deeds here is whole", () => {
  const all = schema.options.map((option) => option.entries.do.literal as string);
  assert.deepEqual([...OPEN_TO_ALL, ...SEALED, ...DEEDS.map((deed) => deed.do)].sort(), all.sort());
});

Deno.test("a member asks for each of an operator's deeds: nothing happens, and nobody is cut off", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using alice = await RawMember.join(server.port, ALICE);
  using bob = await RawMember.join(server.port, BOB);
  const before = await contents(server);
  for (const deed of DEEDS) assert.equal(await alice.ask(deed), "not-operator", deed.do);
  assert.deepEqual(await contents(server), before);
  assert.equal(await say(server, bob, BOB, "I am still here"), 1);
});

Deno.test("a member's wish for an operator's deed does not wait for the database's lock", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using alice = await RawMember.join(server.port, ALICE);
  using _ = await RawMember.join(server.port, BOB);
  await whileLocked(server, async () => {
    for (const deed of DEEDS) assert.equal(await alice.ask(deed), "not-operator", deed.do);
  });
});

Deno.test("an operator's deeds while another process writes: a clear error, and later they are done", async () => {
  await using server = await startWithOperator([ALICE, BOB]);
  using olga = await RawMember.join(server.port, OLGA);
  using bob = await RawMember.join(server.port, BOB);
  const before = await contents(server);
  await whileLocked(server, async () => {
    for (const [at, request] of DEEDS.entries()) {
      olga.say({ type: "request", ref: 100 + at, request });
      const { code, message, ref } = await olga.hears("error");
      assert.deepEqual([code, ref], ["server-failed", 100 + at], request.do);
      assert.match(message, /database is busy; try again/);
    }
  });
  assert.deepEqual(await contents(server), before);
  assert.equal(await say(server, bob, BOB, "nobody put me out"), 1);
  await olga.hears("message");
  assert.deepEqual(await olga.ask({ do: "create_room", room: "den", topic: "" }), { is: "done" });
});
