/**
 * A malicious server that withholds, alters or reorders the commits by which a sealed room's keys
 * change, so that somebody goes on with old ones: who notices, and what is not read or sealed then.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EnvironmentError, PeerError } from "../../lib/errors.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import { Liar, type ToClient } from "./sealed_liar.ts";
import { Fork, hold, meet, ROOM } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

type Part = MessageOf<ServerMessage, "commit_part">;

/** What one client gets of a commit that shuts carol out, and what it makes of that. */
const LIES: { readonly [lie: string]: (part: Part) => readonly ServerMessage[] } = {
  "without its commit": () => [],
  "with bytes of the server's": (part) => [{ ...part, data: "AAAA" }],
  "with one bit flipped": (part) => [{ ...part, data: flip(part.data) }],
  "with its commit cut short": (part) => [{ ...part, data: part.data.slice(0, -8) }],
  "with its commit twice": (part) => [part, part],
  "with more behind its commit": (part) => [part, { ...part, data: "AAAA" }],
};

for (const [lie, alter] of Object.entries(LIES)) {
  Deno.test(`the entry of a commit ${lie}: nothing is sealed with the old keys from then on`, async () => {
    await using liar = await Liar.start("alice", "bob", "carol");
    const [alice, bob] = await meet(liar, "alice", "bob", "carol");
    liar.toClient = to(
      "bob",
      (message) => message.type === "commit_part" ? alter(message) : [message],
    );
    await alice.chat.sealed.remove(ROOM, ["carol"]);
    await bob.fails("room-inconsistent");
    await assertFails(
      bob.chat.send("carol must not read this", { room: ROOM }),
      PeerError,
      "room-inconsistent",
    );
    await alice.chat.send("nor bob read this", { room: ROOM });
    await bob.fails("token-invalid");
    assert.deepEqual(bob.texts, []);
    await bob.chat.send("the lobby goes on");
  });
}

Deno.test("two commits in each other's place: the room is lost for who gets them so", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  const held = hold(liar, "bob");
  await alice.chat.sealed.rekey(ROOM);
  await alice.chat.sealed.rekey(ROOM);
  await held.until(isEntry(3));
  const [part1, entry1, part2, entry2] = held.messages;
  held.release(part2!, entry2!, part1!, entry1!);
  await bob.fails("room-inconsistent");
  await assertFails(bob.chat.send("?", { room: ROOM }), PeerError, "room-inconsistent");
  assert.equal((await bob.chat.sealed.security(ROOM)).epoch, 1);
});

Deno.test("a commit that is delivered twice: told, and it counts once", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  const held = hold(liar, "bob");
  await alice.chat.sealed.rekey(ROOM);
  await held.until(isEntry(2));
  held.release(...held.messages, ...held.messages);
  await bob.fails("room-inconsistent");
  await alice.chat.send("go on", { room: ROOM });
  await bob.reads("go on");
  assert.equal((await bob.chat.sealed.security(ROOM)).epoch, 2);
});

Deno.test("who is removed, and not told so by the server, sends nothing any more", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  liar.toClient = to("bob", (message) => message.type === "left" ? [] : [message]);
  await alice.chat.sealed.remove(ROOM, ["bob"]);
  assert.deepEqual((await bob.hears("members")).removed, ["bob"]);
  await assertFails(bob.chat.send("?", { room: ROOM }), EnvironmentError, "removed");
});

Deno.test("who is kept in the past is believed by nobody, and sees it with the next entry", async () => {
  await using liar = await Liar.start("alice", "bob", "carol");
  const [alice, bob, carol] = await meet(liar, "alice", "bob", "carol");
  const carolsKeys = carol.chat.sealed.exportKeys(ROOM);
  const held = hold(liar, "bob");
  await alice.chat.sealed.remove(ROOM, ["carol"]);
  await held.until(isEntry(2));
  const fork = new Fork(bob.chat.rooms.find(({ room }) => room === ROOM)!.head);
  const sent = Promise.withResolvers<MessageOf<ClientMessage, "send">>();
  liar.toServer = (message, wire) => {
    if (message.type !== "send" || wire.user !== "bob") return [message];
    sent.resolve(message);
    wire.say(fork.ack("bob", message));
    return [];
  };
  await bob.chat.send("is carol gone?", { room: ROOM });
  // What is not prevented: carol was a member when bob's client heard last, and reads it.
  const stolen = await sent.promise;
  assert.match(carolsKeys.decryptText(stolen.token), /is carol gone/);
  const { head } = await alice.chat.sealed.security(ROOM);
  liar.wire("alice").say(
    new Fork(head).next({ ...stolen, type: "message", sender: "bob", seq: 0, chain: "" }),
  );
  await alice.fails("token-invalid");
  held.release(...held.messages);
  await bob.fails("room-inconsistent");
  assert.deepEqual(alice.texts, []);
});

Deno.test("messages that are withheld in the middle: told with the next one", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  const held = hold(liar, "bob");
  await alice.chat.send("do not", { room: ROOM });
  await held.until(isEntry(2));
  held.release();
  await alice.chat.send("do it", { room: ROOM });
  await bob.fails("room-inconsistent");
});

Deno.test("an end that is withheld from one: told when he comes back and the log is shorter", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  const { head: { seq, chain } } = await bob.chat.sealed.security(ROOM);
  await alice.chat.send("I take it back", { room: ROOM });
  await bob.reads("I take it back");
  liar.toClient = to(
    "bob",
    (message) =>
      message.type !== "joined" || message.room !== ROOM
        ? [message]
        : [{ ...message, last_seq: seq, head: chain }],
  );
  liar.wire("bob").cut();
  await bob.hears("reconnected", ({ room }) => room === ROOM);
  await bob.fails("room-inconsistent");
});

function isEntry(seq: number): (message: ServerMessage) => boolean {
  return (message) => message.type === "message" && message.seq === seq;
}

function to(user: string, alter: (message: ServerMessage) => readonly ServerMessage[]): ToClient {
  return (message, wire) => wire.user === user ? alter(message) : [message];
}

function flip(data: string): string {
  return data.slice(0, 200) + (data[200] === "A" ? "B" : "A") + data.slice(201);
}
