/**
 * Sealed rooms through the SDK and a real server: who can read what, whoever comes and goes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { connectAs, nextEvent, TestServer } from "../attacks/server.ts";

const PEOPLE = ["alice", "bob", "carol"].map((username) => ({ username, password: "a password" }));

Deno.test("a member's message reaches another member, who verified it", async () => {
  await using server = await TestServer.start(PEOPLE);
  const { port } = server;
  await using alice = await connectAs({ port, ...PEOPLE[0]!, sealed: true });
  await using bob = await connectAs({ port, ...PEOPLE[1]!, sealed: true });
  await nextEvent(bob, "notice");
  await alice.sealed.create("physics");
  await alice.sealed.invite("physics", ["bob"]);
  const joined = await nextEvent(bob, "joined");
  assert.deepEqual([joined.room, joined.kind], ["physics", "sealed"]);
  await alice.send("hello", { room: "physics" });
  const heard = await nextEvent(bob, "message");
  assert.deepEqual([heard.text, heard.sender, heard.kind], ["hello", "alice", "sealed"]);
  await bob.send("hi", { room: "physics" });
  const answered = await nextEvent(alice, "message");
  assert.equal(answered.text, "hi");
});
