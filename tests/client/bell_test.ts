/**
 * When the bell rings.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Bell, type BellMode } from "../../lib/client/bell.ts";
import type { MessageEvent } from "../../lib/client/events.ts";

const SAID: MessageEvent = {
  type: "message",
  room: "lobby",
  seq: 1,
  id: "m-1",
  sender: "bob",
  sent_at: "2026-01-01T00:00:00.000Z",
  text: "hello",
  kind: "open",
  history: false,
};
const MENTION: MessageEvent = { ...SAID, mention: true };

/** For which of a message and a mention a bell rings. */
function rings(mode: BellMode | undefined, changes: Partial<MessageEvent> = {}): boolean[] {
  return [SAID, MENTION].map((message) => {
    const bell = new Bell("alice");
    if (mode !== undefined) bell.mode = mode;
    return bell.ringsFor({ ...message, ...changes });
  });
}

Deno.test("it rings for mentions if nothing else is said, for all messages, or never", () => {
  assert.deepEqual(rings(undefined), [false, true]);
  assert.deepEqual(rings("mention"), [false, true]);
  assert.deepEqual(rings("all"), [true, true]);
  assert.deepEqual(rings("off"), [false, false]);
});

Deno.test("it rings for who writes to this account alone, as for a mention", () => {
  const direct = { room: "dm-0123456789abcdef", kind: "sealed", peer: "bob" } as const;
  assert.deepEqual(rings("mention", direct), [true, true]);
  assert.deepEqual(rings("off", direct), [false, false]);
});

Deno.test("it never rings for what was said before, nor for one's own words from elsewhere", () => {
  assert.deepEqual(rings("all", { history: true }), [false, false]);
  assert.deepEqual(rings("all", { sender: "alice" }), [false, false]);
});

Deno.test("it rings once a second at most, and what does not ring costs no silence", () => {
  let now = 5_000;
  const bell = new Bell("alice", () => now);
  const ringsAt = (time: number, message = MENTION): boolean => {
    now = time;
    return bell.ringsFor(message);
  };
  assert.deepEqual([ringsAt(5_000, SAID), ringsAt(5_000)], [false, true]);
  assert.deepEqual([ringsAt(5_000), ringsAt(5_999), ringsAt(6_000)], [false, false, true]);
  assert.deepEqual([ringsAt(6_999), ringsAt(7_000)], [false, true]);
});
