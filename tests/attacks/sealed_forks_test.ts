/**
 * A malicious server that shows two members of a sealed room two histories, each with a chain that is
 * right in itself: both are told by the first message that crosses.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { PeerError } from "../../lib/errors.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import type { RequestOf } from "../../lib/protocol/requests.ts";
import type { Ear } from "./sealed_ear.ts";
import { bytesOf, Liar } from "./sealed_liar.ts";
import { Fork, meet, ROOM } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

/** Alice and bob in a room whose log bob sees as the liar wants it. */
async function begin(liar: Liar): Promise<[alice: Ear, bob: Ear, fork: Fork]> {
  const [alice, bob] = await meet(liar, "alice", "bob");
  return [alice, bob, new Fork((await bob.chat.sealed.security(ROOM)).head)];
}

Deno.test("a message that is left out for one, with the chain mended: both are told by the first that was sealed behind it", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob, fork] = await begin(liar);
  const sent = new Map<string, MessageOf<ClientMessage, "send">>();
  liar.toServer = (message) => {
    if (message.type === "send") sent.set(message.id, message);
    return [message];
  };
  liar.toClient = (message, { user }) => {
    if (user !== "bob") return [message];
    if (message.type === "message") return message.id === "no" ? [] : [fork.next(message)];
    return message.type === "ack" ? [fork.ack("bob", sent.get(message.id)!)] : [message];
  };
  await alice.chat.send("do not pay", { room: ROOM, id: "no" });
  await bob.chat.send("shall I pay?", { room: ROOM }); // bob had seen no more than alice before it
  await alice.reads("shall I pay?");
  await alice.chat.send("no!", { room: ROOM });
  await bob.fails("room-inconsistent");
  await bob.chat.send("nothing comes, so I do", { room: ROOM });
  await alice.fails("room-inconsistent");
  assert.deepEqual([alice.texts, bob.texts], [["shall I pay?"], []]);
});

Deno.test("two commits that end the same epoch, one for each: both are told at the first message that crosses, and send no more", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob, fork] = await begin(liar);
  const { keyId } = await bob.chat.sealed.security(ROOM);
  const parts: Uint8Array[] = [];
  const commit = Promise.withResolvers<ServerMessage[]>();
  liar.toServer = (message, wire) => {
    if (wire.user !== "bob") return [message];
    if (message.type === "part") parts.push(bytesOf(message));
    if (message.type !== "request") return [];
    if (message.request.do !== "commit") {
      parts.length = 0; // they were of another request
      return [];
    }
    commit.resolve(asCommit(message.request, parts, keyId));
    wire.say({ type: "reply", ref: message.ref, result: { is: "done" } });
    return [];
  };
  liar.toClient = (message, { user }) => {
    const isOfLog = message.type === "message" || message.type === "commit_part";
    return user === "bob" && isOfLog ? [] : [message];
  };
  const changing = bob.chat.sealed.rekey(ROOM);
  await alice.chat.sealed.rekey(ROOM);
  liar.wire("bob").say(...(await commit.promise).map((message) => fork.next(message)));
  await changing;
  const keys = [alice, bob].map(({ chat }) => chat.sealed.exportKeys(ROOM).primary.id);
  assert.notEqual(keys[0], keys[1]);
  const fromAlice = await crossing(liar, alice);
  liar.wire("bob").say(fork.next(fromAlice));
  const fromBob = await crossing(liar, bob);
  const { head } = await alice.chat.sealed.security(ROOM);
  liar.wire("alice").say(new Fork(head).next(fromBob));
  for (const ear of [alice, bob]) {
    await ear.fails("room-inconsistent");
    await assertFails(ear.chat.send("?", { room: ROOM }), PeerError, "room-inconsistent");
  }
  assert.deepEqual([alice.texts, bob.texts], [[], []]);
});

/** What somebody says, as an entry for the other; the speaker waits for an ack that never comes. */
async function crossing(liar: Liar, { chat }: Ear): Promise<ServerMessage> {
  const sent = Promise.withResolvers<MessageOf<ClientMessage, "send">>();
  liar.toServer = (message) => {
    if (message.type !== "send") return [message];
    sent.resolve(message);
    return [];
  };
  chat.send("hello?", { room: ROOM }).catch(() => {});
  return { ...await sent.promise, type: "message", sender: chat.user, seq: 0, chain: "" };
}

/** A commit and its entry, as they come back. */
function asCommit(
  { room, id, sent_at, token, sizes }: RequestOf<"commit">,
  [part]: readonly Uint8Array[],
  key_id: string,
): ServerMessage[] {
  const commit = Buffer.from(part!.subarray(0, sizes[0])).toString("base64url");
  return [
    { type: "commit_part", room, data: commit },
    { type: "message", room, id, sent_at, token, key_id, sender: "bob", seq: 0, chain: "" },
  ];
}
