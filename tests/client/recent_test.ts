/** Which messages were seen, and where: a message has one place for good. */

import assert from "node:assert/strict";
import { RecentMessages } from "../../lib/client/recent.ts";

const alice = (messageId: string): { sender: string; messageId: string } => ({
  sender: "alice",
  messageId,
});

Deno.test("add() takes a message once, at whatever place it comes again", () => {
  const recent = new RecentMessages(0);
  assert.ok(recent.add({ ...alice("x"), seq: 1 }));
  assert.ok(!recent.add({ ...alice("x"), seq: 1 }));
  assert.ok(!recent.add({ ...alice("x"), seq: 2 }));
  assert.ok(recent.add({ sender: "bob", messageId: "x", seq: 2 }), "another's id is another's");
  assert.equal(recent.placeOf(alice("x")), 1);
  assert.equal(recent.placeOf(alice("y")), undefined);
});

Deno.test("canBeAt() knows all places that were seen, and nothing about those before", () => {
  const recent = new RecentMessages(10);
  recent.add({ ...alice("x"), seq: 11 });
  assert.ok(recent.canBeAt(alice("x"), 11));
  assert.ok(!recent.canBeAt(alice("x"), 12));
  assert.ok(!recent.canBeAt(alice("y"), 11));
  assert.ok(recent.canBeAt(alice("y"), 10));
  recent.restartAfter(12);
  assert.ok(recent.canBeAt(alice("y"), 12));
  assert.ok(!recent.canBeAt(alice("x"), 12), "what was seen stays seen");
});

Deno.test("what is too old is forgotten, and nothing is said of its places", () => {
  const recent = new RecentMessages(0, 2);
  for (let seq = 1; seq <= 3; seq += 1) recent.add({ ...alice(`${seq}`), seq });
  assert.equal(recent.placeOf(alice("1")), undefined);
  assert.deepEqual([recent.placeOf(alice("2")), recent.placeOf(alice("3"))], [2, 3]);
  assert.ok(recent.canBeAt(alice("other"), 1));
  assert.ok(!recent.canBeAt(alice("other"), 2));
  assert.ok(recent.add({ ...alice("1"), seq: 4 }));
});
