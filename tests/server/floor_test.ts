/**
 * Slow rooms: one message of each member in so many seconds.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Floor } from "../../lib/server/floor.ts";

Deno.test("a member speaks once in the room's time, and is told how long to wait", () => {
  let now = 0;
  const floor = new Floor(() => now);
  assert.equal(floor.take("lobby", "alice", 30), 0);
  now = 10_500;
  assert.equal(floor.take("lobby", "alice", 30), 20);
  now = 30_000;
  assert.equal(floor.take("lobby", "alice", 30), 0);
  assert.equal(floor.take("lobby", "alice", 30), 30, "the time begins again with each message");
});

Deno.test("neither another member nor another room waits", () => {
  const floor = new Floor(() => 0);
  assert.equal(floor.take("lobby", "alice", 30), 0);
  assert.equal(floor.take("lobby", "bob", 30), 0);
  assert.equal(floor.take("physics", "alice", 30), 0);
});

Deno.test("a refused message does not make the wait longer, and a new time counts at once", () => {
  let now = 0;
  const floor = new Floor(() => now);
  floor.take("lobby", "alice", 30);
  now = 29_000;
  assert.equal(floor.take("lobby", "alice", 30), 1);
  assert.equal(floor.take("lobby", "alice", 60), 31);
  assert.equal(floor.take("lobby", "alice", 5), 0);
});

Deno.test("a floor that is given back can be taken again at once, by that member alone", () => {
  const floor = new Floor(() => 0);
  for (const user of ["alice", "bob"]) floor.take("lobby", user, 30);
  floor.giveBack("lobby", "alice");
  assert.equal(floor.take("lobby", "alice", 30), 0);
  assert.equal(floor.take("lobby", "bob", 30), 30);
});
