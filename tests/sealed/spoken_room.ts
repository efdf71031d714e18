/**
 * A sealed room in which two people have spoken, for who looks at what a server then has: one was
 * invited, spoke, and left, so it has had three keys.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Credentials } from "../../lib/client/login.ts";
import { connectAs, nextEvent, type TestServer } from "../attacks/server.ts";

/** The room. */
export const ROOM = "physics";

/** Who says or does what in it, in the log's order. */
export const SAID: readonly (readonly [string, string])[] = [
  ["alice", "hello before you came"],
  ["alice", "added bob"],
  ["alice", "waves at bob"],
  ["bob", "two\nlines: 你好"],
  ["bob", "leaves"],
  ["alice", "shuts out bob, who left"],
  ["alice", "alone again"],
];

/** Lets it happen; gives the keys that alice exports at the end, as she finds them in her file. */
export async function speakAndLeave(
  server: TestServer,
  [one, other]: readonly [Credentials, Credentials],
): Promise<string> {
  const { port } = server;
  await using alice = await connectAs({ port, ...one, sealed: true });
  await using bob = await connectAs({ port, ...other, sealed: true });
  await nextEvent(bob, "notice"); // its identity is made
  const room = { room: ROOM };
  await alice.sealed.create(ROOM);
  await alice.send("hello before you came", room);
  await alice.sealed.invite(ROOM, [other.username]);
  await nextEvent(bob, "joined");
  await alice.send("waves at bob", { ...room, action: true });
  await bob.send("two\nlines: 你好", room);
  await bob.sealed.leave(ROOM);
  for (let gone = false; !gone;) {
    const { removed } = await nextEvent(alice, "members");
    gone = removed.includes(other.username);
  }
  await alice.send("alone again", room);
  const ring = alice.sealed.exportKeys(ROOM);
  assert.equal(ring.keys.length, 3);
  return ring.toString();
}
