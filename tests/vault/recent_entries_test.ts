/**
 * Messages that were followed lately: known again after they were kept, up to so many.
 *
 * @module
 */

import assert from "node:assert/strict";
import { MAX_RECENT, RecentEntries } from "../../lib/vault/recent_entries.ts";
import { hex } from "../protocol/pipe.ts";

const ONE = { sender: "alice", messageId: "one" };

Deno.test("a message is known by its sender and its id, also after it was kept", () => {
  const recent = new RecentEntries();
  recent.add(ONE);
  for (const entries of [recent, new RecentEntries(recent.encode())]) {
    assert.ok(entries.has(ONE));
    assert.ok(!entries.has({ ...ONE, sender: "bob" }));
    assert.ok(!entries.has({ ...ONE, messageId: "two" }));
  }
});

Deno.test("the oldest is given up for a new one when there are so many, and no other", () => {
  const recent = new RecentEntries();
  const named = (at: number): typeof ONE => ({ sender: "alice", messageId: `m${at}` });
  for (let at = 0; at <= MAX_RECENT; at++) recent.add(named(at));
  assert.deepEqual([recent.has(named(0)), recent.has(named(1))], [false, true]);
  assert.ok(RecentEntries.isValid(recent.encode()));
  assert.equal(recent.encode().length, 8 * MAX_RECENT);
});

Deno.test("a new epoch begins with none", () => {
  const recent = new RecentEntries();
  recent.add(ONE);
  recent.clear();
  assert.deepEqual([recent.has(ONE), recent.encode().length], [false, 0]);
});

Deno.test("bytes that are no list of marks are none: cut, too many, one twice", () => {
  const mark = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  assert.ok(RecentEntries.isValid(mark));
  assert.equal(hex(new RecentEntries(mark).encode()), hex(mark));
  for (const wrong of [mark.subarray(1), Uint8Array.of(...mark, ...mark)]) {
    assert.ok(!RecentEntries.isValid(wrong));
  }
  const many = Uint8Array.from(
    { length: 8 * (MAX_RECENT + 1) },
    (_, at) => (at >> 3) >> 8 * (at % 8),
  );
  assert.ok(!RecentEntries.isValid(many));
});
