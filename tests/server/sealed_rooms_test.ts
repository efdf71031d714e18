/**
 * Sealed rooms on a server: who is in one, who learns of it, and what a member is given. Everything
 * that a group would encrypt is bytes without a meaning here.
 *
 * @module
 */

import assert from "node:assert/strict";
import { ALICE, BOB, TestServer } from "../attacks/server.ts";
import { SealedMember } from "./sealed_member.ts";

const ROOM = "physics";

Deno.test("whoever makes a sealed room is in it, and invites others, who are told and hear what follows", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await SealedMember.withDevice(server, ALICE);
  using bob = await SealedMember.withDevice(server, BOB);
  assert.equal(await alice.create(ROOM), "done");
  const joined = await alice.join(ROOM);
  assert.deepEqual([joined.kind, joined.keys, joined.last_seq], ["sealed", [], 0]);
  assert.equal(await alice.post(ROOM, 0), 1);
  await alice.invite(ROOM, 0, "bob");
  assert.deepEqual(await bob.heard(), ["added physics alice"]);
  const welcome = await bob.ask({ do: "welcome", room: ROOM, device: 1 });
  assert.ok(welcome.result?.is === "welcome");
  assert.equal(welcome.result.seq, 2);
  const bobs = await bob.join(ROOM, welcome.result.seq);
  assert.deepEqual([bobs.last_seq, bobs.head], [2, welcome.result.head]);
  assert.deepEqual(await alice.heard(), ["commit_part physics 100", "message physics 2 alice"]);
  assert.equal(await bob.post(ROOM, 1), 3);
  assert.deepEqual(await alice.heard(), ["message physics 3 bob"]);
  assert.deepEqual(await bob.heard(), []);
});
