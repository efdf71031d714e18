/** Direct rooms are called by their people wherever a person reads. */

import assert from "node:assert/strict";
import { type CalledRoom, nameOfRoom, RoomNames } from "../../lib/client/room_names.ts";

const DIRECT = "dm-0123456789abcdef";
const OTHER = "dm-fedcba9876543210";

Deno.test("nameOfRoom() is the person's of a direct room, else the room's own", () => {
  assert.equal(nameOfRoom({ room: "physics" }), "physics");
  assert.equal(nameOfRoom({ room: DIRECT, peer: "bob" }), "@bob");
});

Deno.test("sentences name direct rooms by their people, and those that are not known by themselves", () => {
  const names = new RoomNames({ rooms: [{ room: DIRECT, peer: "bob" }] });
  assert.equal(names.in(`You left ${DIRECT}, not ${OTHER}`), `You left @bob, not ${OTHER}`);
  assert.equal(names.in(`x${DIRECT} ${DIRECT}0`), `x${DIRECT} ${DIRECT}0`);
});

Deno.test("a room keeps its name when it is left, and has it before it is entered", () => {
  const rooms: CalledRoom[] = [{ room: DIRECT, peer: "bob" }];
  const names = new RoomNames({ rooms });
  assert.equal(names.of(DIRECT), "@bob");
  rooms.pop();
  assert.equal(names.of(DIRECT), "@bob");
  names.learn({ room: OTHER, peer: "carol" });
  assert.equal(names.of(OTHER), "@carol");
});

Deno.test("a direct room that cannot be entered is called by whom the server says it is with", () => {
  const sealed = { peerOf: (room: string) => room === OTHER ? "carol" : undefined };
  const names = new RoomNames({ rooms: [], sealed });
  assert.equal(names.in(`no keys of ${OTHER}, ${DIRECT}`), `no keys of @carol, ${DIRECT}`);
  names.learn({ room: OTHER, peer: "bob" }); // as its members say
  assert.equal(names.of(OTHER), "@bob");
});

Deno.test("what is about another room says so, once", () => {
  const names = new RoomNames({ rooms: [{ room: "a" }, { room: DIRECT, peer: "bob" }] });
  assert.equal(names.about("a", "bob added carol", "a"), "bob added carol");
  assert.equal(names.about("a", "bob added carol", "lobby"), "a: bob added carol");
  assert.equal(names.about("a", "the log of a is short", "lobby"), "the log of a is short");
  assert.equal(names.about(DIRECT, "bob leaves", "lobby"), "@bob: bob leaves");
  assert.equal(names.about(undefined, "hello", "lobby"), "hello");
});
