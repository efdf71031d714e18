/**
 * The queue in front of the log: its order, what fits a batch, and what it holds at the most.
 */

import assert from "node:assert/strict";
import { EnvironmentError } from "../../lib/errors.ts";
import { AppendQueue } from "../../lib/log/append_queue.ts";
import type { LogEntry, NewEntry } from "../../lib/log/message_log.ts";
import { assertFails } from "../attacks/server.ts";

const MAX_BATCH = 512;
const MAX_BATCH_CHARS = 256 * 1024;
const ENTRY_BYTES = 1024;

function entry(messageId: string, tokenChars = 10): NewEntry {
  return {
    room: "lobby",
    sender: "alice",
    messageId,
    sentAt: "2026-01-01T00:00:00.000Z",
    keyId: "01234567",
    token: "x".repeat(tokenChars),
  };
}

const ids = (batch: readonly { entry: NewEntry }[]): string[] =>
  batch.map(({ entry }) => entry.messageId);

for (const count of [1, MAX_BATCH - 1, MAX_BATCH, MAX_BATCH + 1]) {
  Deno.test(`batch() of ${count} small entries has ${Math.min(count, MAX_BATCH)}, the first ones`, () => {
    const queue = new AppendQueue(Infinity);
    for (let at = 0; at < count; at += 1) queue.push(entry(`m${at}`));
    const expected = Array.from({ length: Math.min(count, MAX_BATCH) }, (_, at) => `m${at}`);
    assert.deepEqual(ids(queue.batch()), expected);
    assert.deepEqual(ids(queue.batch()), expected); // they stay until they are taken
  });
}

for (const [chars, count] of [[-1, 2], [0, 2], [1, 1]] as const) {
  Deno.test(`batch() holds ${count} entries of the limit in characters ${chars >= 0 ? "+" : ""}${chars}`, () => {
    const queue = new AppendQueue(Infinity);
    queue.push(entry("first", 100));
    queue.push(entry("second", MAX_BATCH_CHARS - 100 + chars));
    assert.equal(queue.batch().length, count);
  });
}

Deno.test("batch() has one entry at least, however large", () => {
  const queue = new AppendQueue(Infinity);
  queue.push(entry("huge", 2 * MAX_BATCH_CHARS));
  assert.deepEqual(ids(queue.batch()), ["huge"]);
});

for (const spare of [-1, 0, 1]) {
  Deno.test(`push() holds to its bound in bytes with ${spare} to spare, and has room again after take()`, async () => {
    const size = ENTRY_BYTES + 10;
    const queue = new AppendQueue(3 * size + spare);
    const first = queue.push(entry("a"));
    queue.push(entry("b"));
    const third = queue.push(entry("c"));
    if (spare < 0) await assertFails(third, EnvironmentError, "log-overloaded");
    await assertFails(queue.push(entry("d")), EnvironmentError, "log-overloaded");
    const stored = { messageId: "a" } as LogEntry;
    for (const { resolve } of queue.take(1)) resolve(stored);
    assert.equal(await first, stored);
    queue.push(entry("e"));
    assert.deepEqual(ids(queue.batch()), spare < 0 ? ["b", "e"] : ["b", "c", "e"]);
  });
}

Deno.test("rejectUpTo() gives up who came by then, with the reason, and keeps the others", async () => {
  const queue = new AppendQueue(Infinity);
  const reason = new EnvironmentError("database-locked", "locked");
  const old = [queue.push(entry("a")), queue.push(entry("b"))];
  const time = queue.batch().at(-1)?.since ?? NaN;
  while (performance.now() <= time); // the clock's next tick
  queue.push(entry("c"));
  queue.rejectUpTo(time, reason);
  for (const one of old) {
    assert.equal(await assertFails(one, EnvironmentError, "database-locked"), reason);
  }
  assert.deepEqual(ids(queue.batch()), ["c"]);
  assert.ok(!queue.isEmpty);
});

Deno.test("rejectUpTo(Infinity) leaves nothing", async () => {
  const queue = new AppendQueue(Infinity);
  const pushed = queue.push(entry("a"));
  queue.rejectUpTo(Infinity, new EnvironmentError("database-locked", "locked"));
  await assertFails(pushed, EnvironmentError, "database-locked");
  assert.ok(queue.isEmpty);
});
