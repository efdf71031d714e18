/**
 * A malicious server that wants what is meant for a sealed room, or for one person, to go where it
 * can read it: each time the client refuses, or it tells that the room is an open one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError, EnvironmentError, PeerError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import type { Head } from "../../lib/log/message_log.ts";
import type { ServerMessage } from "../../lib/protocol/messages.ts";
import { type Device, device } from "../mls/people.ts";
import { Insider } from "./sealed_insider.ts";
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

/** What a server says of a sealed room that it would rather read. */
function openly(room: string, head: Head): ServerMessage {
  const about = { topic: "", slow: 0, keys: [String(FernetKey.generate())] };
  return { type: "joined", room, kind: "open", ...about, last_seq: head.seq, head: head.chain };
}

/** From now on, somebody who joins the room of the tests gets into an open one. */
function openTheRoom(liar: Liar, user: string): void {
  const head = { seq: 0, chain: HEAD };
  liar.toServer = (message, wire) => {
    if (message.type !== "join" || message.room !== ROOM || wire.user !== user) return [message];
    wire.say(openly(ROOM, head));
    return [];
  };
}

Deno.test("a sealed room that is shown as an open one after an outage: the end of the connection", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice] = await meet(liar, "alice", "bob");
  openTheRoom(liar, "alice");
  liar.wire("alice").cut();
  assert.equal((await alice.hears("closed")).reason, "room-inconsistent");
});

Deno.test("a sealed room that one was put out of is not joined as an open one", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [, bob] = await meet(liar, "alice", "bob");
  openTheRoom(liar, "bob");
  liar.wire("bob").say({ type: "left", room: ROOM, code: "removed", message: "alice removed you" });
  await bob.hears("left");
  const joining = bob.chat.join(ROOM);
  await assertFails(joining, PeerError, "room-inconsistent");
});

Deno.test("a client that comes for a sealed room that it knows is told if it is an open one, and goes", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [, first] = await meet(liar, "alice", "bob");
  await first.chat.close();
  openTheRoom(liar, "bob");
  const bob = await liar.enter("bob", { room: ROOM });
  assert.equal((await bob.hears("ready")).kind, "open"); // no more is known before the vault is open
  assert.equal((await bob.fails("room-inconsistent")).room, ROOM);
  assert.equal((await bob.hears("left")).reason, "room-inconsistent");
  await assertFails(bob.chat.send("secret", { room: ROOM }), CallerError, "room-unknown");
});

Deno.test("a room that a client does not know, shown as an open one: that is what it says", async () => {
  await using liar = await Liar.start("alice", "bob");
  await meet(liar, "alice");
  openTheRoom(liar, "bob");
  const bob = await liar.enter("bob");
  assert.equal((await bob.chat.join(ROOM)).kind, "open");
  assert.equal((await bob.hears("joined")).kind, "open");
});

Deno.test("a sealed room whose open twin comes only once its vault is open: left, and told", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [, first] = await meet(liar, "alice", "bob");
  await first.chat.close();
  const asked = Promise.withResolvers<void>();
  liar.toServer = (message) => {
    if (message.type !== "join" || message.room !== ROOM) return [message];
    asked.resolve();
    return [];
  };
  const bob = await liar.connect("bob", { timing: { settleMs: 60_000 } });
  const joining = bob.chat.join(ROOM); // no more is known before the vault is open
  await asked.promise;
  await bob.chat.sealed.ready();
  liar.wire("bob").say(openly(ROOM, { seq: 0, chain: HEAD }));
  await assertFails(joining, PeerError, "room-inconsistent");
  assert.deepEqual(bob.chat.rooms.map(({ room }) => room), ["lobby"]);
});

Deno.test("an open room that is said to be sealed is none: there are no keys for it", async () => {
  await using liar = await Liar.start("alice");
  const alice = await liar.enter("alice");
  liar.toServer = (message, wire) => {
    if (message.type !== "join") return [message];
    wire.say({ type: "error", code: "room-sealed", message: "It is sealed.", room: message.room });
    return [];
  };
  await assertFails(alice.chat.join("den"), EnvironmentError, "room-unknown");
});

/** Whoever comes as bob gets the welcome to a group of the attacker's, later than the real one. */
async function misguide(liar: Liar, attacker: Device): Promise<void> {
  const { welcome } = await trap(liar, attacker, { room: ROOM, kind: "room" }, "bob", 4);
  answer(liar, "bob", "welcome", () => ({
    result: { is: "welcome", seq: 99, head: HEAD },
    bytes: welcome,
  }));
}

Deno.test("a stranger's room of the same name, to one who was in it and has lost its state: refused", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [, first] = await meet(liar, "alice", "bob");
  await first.chat.close();
  await misguide(liar, await device("eve"));
  liar.sql("DELETE FROM blobs WHERE name = ?", `device/1/${ROOM}`);
  const bob = await liar.enter("bob");
  assert.match((await bob.fails("room-inconsistent")).message, /eve/);
  assert.deepEqual(bob.chat.rooms.map(({ room }) => room), ["lobby"]);
});

for (const host of ["eve", "mallory"]) {
  const who = host === "eve" ? "a stranger" : "a member";
  Deno.test(`a room of the same name that ${who} has made, to one whose state is there: not looked at`, async () => {
    await using liar = await Liar.start("alice", "bob", "mallory");
    const [alice, first] = await meet(liar, "alice", "bob", "mallory");
    await first.chat.close();
    const { keys } = await Insider.in(liar, "mallory");
    const attacker = host === "eve" ? await device("eve") : { ...await device(host), keys };
    attacker.identity = { ...attacker.identity, publicKey: attacker.keys.identity };
    await misguide(liar, attacker);
    const bob = await liar.enter("bob");
    await bob.hears("joined");
    await Promise.all([bob.chat.send("hello", { room: ROOM }), alice.reads("hello")]);
    assert.deepEqual(bob.errors, []);
  });
}
