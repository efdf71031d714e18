/**
 * Whom a client ignores, and what it shows of them: nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Ignored } from "../../lib/client/ignored.ts";
import { CallerError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";
import type { PresenceChange } from "../../lib/protocol/requests.ts";
import type { Send } from "./puppet_room.ts";
import { brief, PuppetServer } from "./puppet_server.ts";

Deno.test("names are ignored without case, listed as they were typed, and no longer on demand", () => {
  const ignored = new Ignored("Alice");
  ignored.add("Mallory");
  ignored.add("bob");
  assert.deepEqual(ignored.names, ["Mallory", "bob"]);
  assert.ok(ignored.has("MALLORY") && ignored.has("mallory") && !ignored.has("carol"));
  ignored.remove("mAllory");
  assert.deepEqual(ignored.names, ["bob"]);
  assert.ok(!ignored.has("Mallory"));
});

Deno.test("oneself, and what is no name, cannot be ignored; nor taken back who is not", () => {
  const ignored = new Ignored("Alice");
  for (const name of ["alice", "ALICE", "", "two words", "ü", "x".repeat(33)]) {
    assertThrows(() => ignored.add(name), CallerError, "name-invalid");
  }
  assertThrows(() => ignored.remove("bob"), CallerError, "name-invalid");
  assert.deepEqual(ignored.names, []);
});

Deno.test("nothing of an ignored account is shown, live or of before, and the chain goes on", async () => {
  await using server = await PuppetServer.start({ history: 4 }, (server) => {
    for (const sender of ["bob", "mallory", "bob", "mallory"]) {
      server.store(`by ${sender}`, { sender });
    }
  });
  server.client.ignored.add("Mallory");
  await server.answerHistory();
  server.deliver(server.store("@alice look", { sender: "mallory" }), server.store("hello"));
  const events = await server.events();
  assert.deepEqual(brief(events), ["past by bob", "past by bob", "message hello"]);
  server.client.ignored.remove("mallory");
  server.deliver(server.store("again", { sender: "mallory" }));
  assert.deepEqual(brief(await server.events()), ["message again"]);
  assert.deepEqual(server.client.room.head, server.head);
});

Deno.test("who is ignored is silent at once: also what waits already is not shown", async () => {
  await using server = await PuppetServer.start();
  for (let at = 0; at < 5; at += 1) server.deliver(server.store("spam", { sender: "mallory" }));
  const sending = server.client.send("mine", { id: "mine" });
  const [send] = await server.receiveSends(1) as [Send];
  server.ack(send);
  await sending; // and the messages before the ack wait for their reader
  server.client.ignored.add("mallory");
  assert.deepEqual(brief(await server.events()), ["ack mine"]);
});

Deno.test("who is ignored comes and goes unseen; of others, and of uncounted ones, it is told", async () => {
  await using server = await PuppetServer.start();
  server.client.ignored.add("mallory");
  const carol: PresenceChange = { user: "carol", change: "joined" };
  const mallory: PresenceChange = { user: "Mallory", change: "joined" };
  server.say({ type: "presence", room: "lobby", changes: [carol, mallory], more: 0 });
  server.say({ type: "presence", room: "lobby", changes: [mallory], more: 0 });
  server.say({ type: "presence", room: "lobby", changes: [mallory], more: 3 });
  const events = await server.events();
  assert.deepEqual(
    events.map((event) => event.type === "presence" && [event.changes, event.more]),
    [[[carol], 0], [[], 3]],
  );
});
