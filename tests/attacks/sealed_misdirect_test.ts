/**
 * A malicious server that plays with what rooms are called, who is in them and what waits for them:
 * nothing of a sealed room goes anywhere else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError, EnvironmentError, PeerError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import type { ClientMessage } from "../../lib/protocol/messages.ts";
import { Liar } from "./sealed_liar.ts";
import { answer, meet, ROOM } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

Deno.test("the direct room with another person, or a room of many, is not the one with somebody", async () => {
  await using liar = await Liar.start("alice", "bob", "carol");
  const [alice] = await meet(liar, "alice", "bob", "carol");
  const withCarol = await alice.chat.sealed.direct("carol");
  let room = withCarol;
  answer(liar, "alice", "direct", () => ({ result: { is: "direct", room } }));
  for (room of [withCarol, ROOM]) {
    await assertFails(alice.chat.sealed.direct("bob"), PeerError, "room-inconsistent");
  }
  room = "lobby";
  await assertFails(alice.chat.sealed.direct("bob"), CallerError, "room-joined");
});

Deno.test("keys that the server gives for a sealed room are not used", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  const { keyId } = await alice.chat.sealed.security(ROOM);
  const key = FernetKey.generate();
  liar.wire("alice").say({ type: "keys", room: ROOM, keys: [String(key)] });
  const sent: string[] = [];
  liar.toServer = (message) => {
    if (message.type === "send") sent.push(message.key_id);
    return [message];
  };
  await Promise.all([alice.chat.send("secret", { room: ROOM }), bob.reads("secret")]);
  assert.deepEqual(sent, [keyId]);
});

Deno.test("what waits in a sealed room that one is put out of goes nowhere, also not when one is in again", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [, bob] = await meet(liar, "alice", "bob");
  const sent: ClientMessage[] = [];
  liar.toServer = (message) => {
    if (message.type !== "send") return [message];
    sent.push(message);
    return [];
  };
  const waiting = bob.chat.send("secret", { room: ROOM });
  waiting.catch(() => {});
  await bob.chat.request({ do: "rooms" });
  liar.wire("bob").tell({ type: "leave", room: ROOM }); // not bob's wish
  await assertFails(waiting, EnvironmentError, "left");
  await bob.chat.join(ROOM);
  assert.equal(bob.chat.rooms.find(({ room }) => room === ROOM)!.kind, "sealed");
  await bob.chat.request({ do: "rooms" });
  assert.equal(sent.length, 1);
});

Deno.test("a server that refuses a message for its key, again and again, gets it under no other key", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice] = await meet(liar, "alice", "bob");
  const { keyId } = await alice.chat.sealed.security(ROOM);
  const sent: string[] = [];
  liar.toServer = (message, wire) => {
    if (message.type !== "send") return [message];
    sent.push(message.key_id);
    const error = { code: "key-outdated", message: "No.", room: ROOM, id: message.id };
    wire.say({ type: "error", ...error });
    return [];
  };
  alice.chat.send("secret", { room: ROOM }).catch(() => {});
  await alice.chat.request({ do: "rooms" });
  await alice.chat.request({ do: "rooms" });
  assert.deepEqual(sent, [keyId]);
});
