/**
 * A malicious server, or a member with its help, that forges, alters, moves or repeats what members
 * of a sealed room say: it is not shown, and told.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FernetKey } from "../../lib/fernet.ts";
import { createSeed, publicKeyOf } from "../../lib/mls/ed25519.ts";
import type { MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import { Insider, type Pretence, type Said } from "./sealed_insider.ts";
import { Liar } from "./sealed_liar.ts";
import { altered, Fork, hold, meet, ROOM } from "./sealed_tricks.ts";

type Entry = MessageOf<ServerMessage, "message">;

/** Alice says something, and bob is given what the test makes of it. */
async function alter(
  make: (entry: Entry, fork: Fork, liar: Liar) => ServerMessage | Promise<ServerMessage>,
): Promise<void> {
  await using liar = await Liar.start("alice", "bob", "mallory");
  const [alice, bob] = await meet(liar, "alice", "bob", "mallory");
  const held = hold(liar, "bob");
  await alice.chat.send("ten euros", { room: ROOM });
  await held.until(({ type }) => type === "message");
  const fork = new Fork((await bob.chat.sealed.security(ROOM)).head);
  held.release(await make(held.messages[0] as Entry, fork, liar));
  await bob.fails("token-invalid");
  assert.deepEqual(bob.texts, []);
}

/** What a server can do to an entry, with its own chain around it, which is right then. */
const ALTERED: { readonly [how: string]: (entry: Entry) => Partial<Entry> } = {
  "a flipped bit of its token": ({ token }) => ({ token: flip(token, 60) }),
  "a flipped bit of its token's time": ({ token }) => ({ token: flip(token, 6) }),
  "another sender": () => ({ sender: "mallory" }),
  "another id": () => ({ id: "another" }),
  "another time": () => ({ sent_at: "2020-01-01T00:00:00.000Z" }),
};

for (const [how, change] of Object.entries(ALTERED)) {
  Deno.test(`a message with ${how} is not shown, and told`, async () => {
    await alter((entry, fork) => fork.next(altered(entry, change(entry))));
  });
}

Deno.test("a token under a key of the server's own is not shown, and told", async () => {
  await alter((entry, fork) => {
    const key = FernetKey.generate();
    return fork.next(altered(entry, { token: key.encrypt("ten thousand euros") }));
  });
});

Deno.test("a token of another room is not shown, and told", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  const direct = await alice.chat.sealed.direct("bob");
  await bob.hears("joined", ({ room }) => room === direct);
  const held = hold(liar, "bob");
  await alice.chat.send("between us", { room: direct });
  await held.until(({ type }) => type === "message");
  const { key_id } = held.messages[0] as Entry;
  const view = bob.chat.rooms.find(({ room }) => room === ROOM)!;
  assert.notEqual(key_id, view.keyId);
  const fork = new Fork(view.head);
  held.release(fork.next(altered(held.messages[0]!, { room: ROOM, key_id: view.keyId })));
  await bob.fails("token-invalid");
  assert.deepEqual(bob.texts, []);
});

Deno.test("a message that is repeated at a later place is told, and shown once", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  const held = hold(liar, "bob");
  await alice.chat.send("yes", { room: ROOM });
  await held.until(({ type }) => type === "message");
  const fork = new Fork((await bob.chat.sealed.security(ROOM)).head);
  held.release(fork.next(held.messages[0]!), fork.next(held.messages[0]!));
  await bob.fails("room-inconsistent");
  assert.deepEqual(bob.texts, ["yes"]);
});

Deno.test("a message from before a restart that is repeated behind it is told, and not shown", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, first] = await meet(liar, "alice", "bob");
  const held = hold(liar, "bob");
  await alice.chat.send("yes", { room: ROOM });
  await held.until(({ type }) => type === "message");
  held.release(...held.messages);
  await first.reads("yes");
  await first.chat.close();
  const bob = await liar.enter("bob");
  await bob.hears("joined");
  const fork = new Fork((await bob.chat.sealed.security(ROOM)).head);
  liar.wire("bob").say(fork.next(held.messages[0]!));
  await bob.fails("room-inconsistent");
  assert.deepEqual(bob.texts, []);
});

/** What a member with the epoch's key and the server's help can write in another one's name. */
const FORGED: { readonly [how: string]: (alice: Insider, mallory: Insider) => Pretence } = {
  "signed by the forger's device": () => ({}),
  "said to be signed by the victim's device": ({ keys: { signatureKey } }) => ({
    device: signatureKey,
  }),
  "signed by a key that nobody has certified": () => {
    const seed = createSeed();
    return { seed, device: publicKeyOf(seed) };
  },
};

for (const [how, pretend] of Object.entries(FORGED)) {
  Deno.test(`a member's message in another's name, ${how}: not shown, and told`, async () => {
    await using liar = await Liar.start("alice", "bob", "mallory");
    const [, bob] = await meet(liar, "alice", "bob", "mallory");
    const mallory = await Insider.in(liar, "mallory");
    const { head } = await bob.chat.sealed.security(ROOM);
    const pretence = pretend(await Insider.in(liar, "alice"), mallory);
    const forged = mallory.says({ text: "I quit" }, head, { sender: "alice", ...pretence });
    liar.wire("bob").say(new Fork(head).next(forged));
    await bob.fails("token-invalid");
    assert.deepEqual(bob.texts, []);
  });
}

/** What somebody who was removed can write, who knows all keys up to then. */
const FORMER: { readonly [how: string]: (now: string, epoch: number) => Partial<Said> & Pretence } =
  {
    "with the key of then": () => ({}),
    "with the key of then, as if it were that of now": (key_id) => ({ key_id }),
    "with the number of this epoch": (_, epoch) => ({ epoch }),
  };

for (const [how, pretend] of Object.entries(FORMER)) {
  Deno.test(`what a former member writes ${how} is not shown, and told`, async () => {
    await using liar = await Liar.start("alice", "bob", "mallory");
    const [alice, bob] = await meet(liar, "alice", "bob", "mallory");
    const mallory = await Insider.in(liar, "mallory");
    await alice.chat.sealed.remove(ROOM, ["mallory"]);
    await bob.hears("members");
    const { head, keyId, epoch } = await bob.chat.sealed.security(ROOM);
    const { key_id, ...pretence } = pretend(keyId, epoch);
    const said = mallory.says({ text: "I am still here" }, head, pretence as Pretence);
    liar.wire("bob").say(
      new Fork(head).next(key_id === undefined ? said : altered(said, { key_id })),
    );
    await bob.fails("token-invalid");
    assert.deepEqual(bob.texts, []);
  });
}

Deno.test("a message that claims another history than the one that was shown: told", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [, bob] = await meet(liar, "alice", "bob");
  const alice = await Insider.in(liar, "alice");
  const { head } = await bob.chat.sealed.security(ROOM);
  const said = alice.says({ text: "as agreed" }, { ...head, chain: "0".repeat(64) });
  liar.wire("bob").say(new Fork(head).next(said));
  await bob.fails("room-inconsistent");
  assert.deepEqual(bob.texts, []);
});

function flip(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
}
