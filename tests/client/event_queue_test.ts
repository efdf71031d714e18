/**
 * Events between a connection and its owner: what is held for a room's history has a bound.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EventQueue } from "../../lib/client/event_queue.ts";
import type { ClientEvent } from "../../lib/client/events.ts";
import { Ignored } from "../../lib/client/ignored.ts";

const CAPACITY = 6;

function about(room: string): ClientEvent {
  return { type: "notice", code: "history", message: "", room };
}

Deno.test("what waits for the histories of several rooms is bounded over all of them", async () => {
  const queue = new EventQueue(new Ignored("alice"), CAPACITY);
  const rooms = ["lobby", "physics", "chemistry"];
  for (const room of rooms) queue.hold(room);
  const pushes = [...rooms, ...rooms].map((room) => queue.push(about(room)));
  queue.push({ type: "notice", code: "command", message: "the end" });
  const seen: (string | undefined)[] = [];
  for await (const event of queue) {
    if (event.type !== "notice" || event.code === "command") break;
    seen.push(event.room);
  }
  assert.deepEqual(seen, rooms.flatMap((room) => [room, room]));
  await Promise.all(pushes);
});
