/**
 * The rooms that an account knows: what is noted stays, over what other sessions have stored.
 *
 * @module
 */

import assert from "node:assert/strict";
import { KnownRooms, MAX_KNOWN_ROOMS } from "../../lib/vault/known_rooms.ts";

Deno.test("a room is known once it is noted, and counts once as unsaved", () => {
  const rooms = new KnownRooms(["chess"]);
  for (const room of ["physics", "chess", "physics"]) rooms.note(room);
  assert.deepEqual([...rooms], ["chess", "physics"]);
  assert.deepEqual([rooms.unsaved, rooms.has("physics"), rooms.has("lobby")], [1, true, false]);
  rooms.saved(1);
  assert.equal(rooms.unsaved, 0);
});

Deno.test("what is noted while others are saved stays unsaved", () => {
  const rooms = new KnownRooms();
  rooms.note("one");
  const { unsaved } = rooms;
  rooms.note("two");
  rooms.saved(unsaved);
  assert.equal(rooms.unsaved, 1);
});

Deno.test("what is not saved comes on top of what another session has stored", () => {
  const rooms = new KnownRooms();
  for (const room of ["mine", "ours"]) rooms.note(room);
  const rebased = rooms.rebase(new KnownRooms(["ours", "theirs"]));
  assert.deepEqual([...rebased], ["mine", "ours", "theirs"]);
  assert.equal(rebased.unsaved, 1);
});

Deno.test("no room is given up for another one", () => {
  const names = Array.from({ length: MAX_KNOWN_ROOMS }, (_, at) => `r${at}`);
  const rooms = new KnownRooms(names);
  rooms.note("one-more");
  assert.deepEqual([rooms.has("one-more"), rooms.has("r0"), rooms.unsaved], [false, true, 0]);
});
