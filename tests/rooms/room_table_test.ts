/**
 * The rooms there are: the lobby from the beginning, and those that were made.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openDatabase } from "../../lib/database.ts";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { MAX_SLOW_SECONDS, MAX_TOPIC_CHARS } from "../../lib/protocol/limits.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { RoomTable } from "../../lib/rooms/room_table.ts";
import { assertThrows, TempFolder } from "../attacks/server.ts";

/** The rooms of a new database. */
class Rooms implements Disposable {
  readonly #folder = new TempFolder();
  readonly #database = openDatabase(this.#folder.file("a.db"));
  readonly table = new RoomTable(this.#database, "a.db");

  [Symbol.dispose](): void {
    this.#database.close();
    this.#folder[Symbol.dispose]();
  }
}

Deno.test("a new database has the lobby, an open room", () => {
  using rooms = new Rooms();
  assert.deepEqual(
    rooms.table.list().map(({ name, kind, topic, slow }) => [name, kind, topic, slow]),
    [
      [LOBBY, "open", "", 0],
    ],
  );
  assert.match(rooms.table.get(LOBBY).created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

Deno.test("create() makes an open room with a topic; each name is there once", () => {
  using rooms = new Rooms();
  const { created_at: _, ...room } = rooms.table.create("physics", "atoms");
  assert.deepEqual(room, { name: "physics", kind: "open", topic: "atoms", slow: 0 });
  assert.deepEqual(rooms.table.list().map(({ name }) => name), [LOBBY, "physics"]);
  for (const name of ["physics", LOBBY]) {
    assertThrows(() => rooms.table.create(name, ""), EnvironmentError, "room-taken");
  }
  assert.equal(rooms.table.get("physics").topic, "atoms");
});

Deno.test("setTopic() and setSlow() change one room, up to their limits", () => {
  using rooms = new Rooms();
  rooms.table.create("physics", "");
  const longest = "t".repeat(MAX_TOPIC_CHARS);
  rooms.table.setTopic("physics", longest);
  rooms.table.setSlow("physics", MAX_SLOW_SECONDS);
  const { topic, slow } = rooms.table.get("physics");
  assert.deepEqual([topic, slow], [longest, MAX_SLOW_SECONDS]);
  assert.deepEqual([rooms.table.get(LOBBY).topic, rooms.table.get(LOBBY).slow], ["", 0]);
});

Deno.test("names, topics and waits that cannot be are refused, and change nothing", () => {
  using rooms = new Rooms();
  const bad = ["", "A", "a b", "\u0430", "../x", "x".repeat(33), "-a", "\x1b[2J", "a.b"];
  for (const name of bad) {
    const error = assertThrows(() => rooms.table.create(name, ""), CallerError, "room-invalid");
    assert.match(error.message, /^[\x20-\x7e]+$/);
  }
  for (const name of ["all", "everyone", "server", "me"]) {
    assertThrows(() => rooms.table.create(name, ""), CallerError, "room-reserved");
  }
  for (const topic of ["t".repeat(MAX_TOPIC_CHARS + 1), "a\nb", "\x1b[2J", "\ud800"]) {
    assertThrows(() => rooms.table.create("physics", topic), CallerError, "topic-invalid");
    assertThrows(() => rooms.table.setTopic(LOBBY, topic), CallerError, "topic-invalid");
  }
  for (const seconds of [-1, 0.5, NaN, MAX_SLOW_SECONDS + 1]) {
    assertThrows(() => rooms.table.setSlow(LOBBY, seconds), CallerError, "slow-invalid");
  }
  assert.deepEqual(rooms.table.list().map(({ name, topic, slow }) => [name, topic, slow]), [
    [LOBBY, "", 0],
  ]);
});

Deno.test("a room that is not there has no topic, no wait and no place in the list", () => {
  using rooms = new Rooms();
  const acts = [
    () => rooms.table.get("physics"),
    () => rooms.table.setTopic("physics", "t"),
    () => rooms.table.setSlow("physics", 1),
  ];
  for (const act of acts) assertThrows(act, EnvironmentError, "room-unknown");
  assert.equal(rooms.table.find("physics"), undefined);
});
