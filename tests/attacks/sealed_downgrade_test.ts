/**
 * A malicious server that wants what is meant for a sealed room, or for one person, to go where it
 * can read it: each time the client refuses, or it tells that the room is an open one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError } from "../../lib/errors.ts";
import { device } from "../mls/people.ts";
import { Liar } from "./sealed_liar.ts";
import { answer, handOut, meet, ROOM, trap } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

const HEAD = "0".repeat(64);

Deno.test("a direct message never goes to the lobby, whatever room the server says it is", async () => {
  await using liar = await Liar.start("alice", "bob");
  const alice = await liar.enter("alice");
  await liar.enter("bob");
  const peers = ["bob", "alice"] as const;
  const policy = { room: "lobby", kind: "direct", peers } as const;
  const { welcome } = await trap(liar, await device("bob"), policy, "alice");
  answer(liar, "alice", "welcome", () => ({
    result: { is: "welcome", seq: 1, head: HEAD },
    bytes: welcome,
  }));
  const stalled = Promise.withResolvers<void>();
  answer(liar, "alice", "put", ({ name }) => {
    if (name === "device/1/lobby") stalled.resolve();
    return name === "device/1/lobby" ? "silence" : undefined;
  });
  answer(liar, "alice", "direct", () => ({ result: { is: "direct", room: "lobby" } }));
  liar.wire("alice").say({ type: "added", room: "lobby", by: "bob", peer: "bob" });
  await Promise.race([stalled.promise, alice.hears("error")]);
  await assert.rejects(alice.chat.sealed.direct("bob"));
  assert.equal(alice.chat.room.kind, "open");
});

Deno.test("nothing goes to a person whose identity has changed, though the server adds the room anew", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice] = await meet(liar, "alice", "bob");
  const room = await alice!.chat.sealed.direct("bob");
  handOut(liar, "alice", await device("bob"));
  const meeting = alice!.chat.sealed.invite(ROOM, ["bob"]);
  await assertFails(meeting, CallerError, "identity-changed");
  await assertFails(alice!.chat.send("secret", { room }), CallerError, "identity-changed");
  liar.wire("alice").say({ type: "added", room, by: "bob", peer: "bob" });
  await alice!.chat.request({ do: "rooms" }); // its answer comes behind
  await assertFails(alice!.chat.send("secret", { room }), CallerError, "identity-changed");
  assert.equal((await alice!.chat.sealed.security(room)).members.length, 2);
});

Deno.test("who was taken for somebody at first contact gets no message once the right one is verified", async () => {
  await using liar = await Liar.start("alice", "bob");
  const alice = await liar.enter("alice");
  const bob = await liar.enter("bob");
  handOut(liar, "alice", await device("bob"));
  const room = await alice.chat.sealed.direct("bob");
  liar.toServer = undefined;
  await bob.chat.sealed.create(ROOM);
  await bob.chat.sealed.invite(ROOM, ["alice"]);
  await alice.hears("identity", ({ user }) => user === "bob");
  const { changed } = await alice.chat.sealed.identityOf("bob");
  const seen = await bob.chat.sealed.identityOf("alice");
  assert.equal(changed!.number.digits, seen.pinned.number.digits, "they compare the same");
  await alice.chat.sealed.confirm("bob");
  await assertFails(alice.chat.send("secret", { room }), CallerError, "identity-changed");
  await alice.chat.sealed.invite(room, ["bob"]);
  await bob.hears("joined", (joined) => joined.room === room);
  const [, heard] = await Promise.all([
    alice.chat.send("for bob", { room }),
    bob.reads("for bob"),
  ]);
  assert.equal(heard.sender, "alice");
});
