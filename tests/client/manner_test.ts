/**
 * What someone does, and who is meant: from one client's token to another one's event.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ClientEvent, MessageEvent } from "../../lib/client/events.ts";
import { ALICE, BOB, nextEvent, TestServer } from "../attacks/server.ts";
import { PuppetServer } from "./puppet_server.ts";

/** The messages among events: text, and whether they mention. */
function mentionsIn(events: readonly ClientEvent[]): [string, true | undefined][] {
  return events.filter((event): event is MessageEvent => event.type === "message")
    .map(({ text, mention }) => [text, mention]);
}

Deno.test("an action is one for those who hear it, and no word of it is on the wire", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  await using alice = await server.connect(ALICE);
  await using bob = await server.connect(BOB);
  await alice.send("waves", { action: true });
  const waves = await nextEvent(bob, "message");
  assert.deepEqual([waves.sender, waves.text, waves.action], ["alice", "waves", true]);
  await alice.send("waves");
  assert.ok(!("action" in await nextEvent(bob, "message")));
  const [first] = server.entries();
  assert.match(server.running.ring.decryptText(first?.token ?? ""), /,"action":true}$/);
});

Deno.test("an action waits for the end of an outage as one", async () => {
  await using server = await PuppetServer.start();
  const sending = server.client.send("waves", { action: true, id: "w" });
  await server.receiveSends(1);
  server.cut();
  await server.acceptAgain();
  const [again] = await server.receiveSends(1);
  assert.ok(again);
  assert.match(server.key.decryptText(again.token), /,"action":true}$/);
  server.ack(again);
  await sending;
});

Deno.test("others' messages mention this account, now and before; its own do not", async () => {
  await using server = await PuppetServer.start({ history: 1 }, (server) => {
    server.store("before: @Alice");
  });
  await server.answerHistory();
  server.deliverText("@alice, look");
  server.deliverText("@alicebob, look");
  server.deliver(server.store("I am @alice", { sender: "alice" })); // said elsewhere
  assert.deepEqual(mentionsIn(await server.events()), [
    ["before: @Alice", true],
    ["@alice, look", true],
    ["@alicebob, look", undefined],
    ["I am @alice", undefined],
  ]);
});
