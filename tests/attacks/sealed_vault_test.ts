/**
 * A malicious server that gives a person's vault back as it was, in another's place, or not at all:
 * the client does not take the one for the other, and tells.
 *
 * @module
 */

import assert from "node:assert/strict";
import { CallerError } from "../../lib/errors.ts";
import type { ClientMessage } from "../../lib/protocol/messages.ts";
import { type Blob, blobOf } from "./sealed_insider.ts";
import { Liar } from "./sealed_liar.ts";
import { meet, ROOM } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

/** Puts a blob in the place of another. */
function restore(liar: Liar, user: string, { name, version, data }: Blob): void {
  liar.sql(
    "INSERT OR REPLACE INTO blobs (account, name, version, data) VALUES (?, ?, ?, ?)",
    ...[user, name, version, data],
  );
}

/** Everything that an account keeps. */
function blobsOf(liar: Liar, user: string): Blob[] {
  return liar.sql<Blob>("SELECT name, version, data FROM blobs WHERE account = ?", user);
}

const STATE = `device/1/${ROOM}`;

Deno.test("an old state of a room, with no own keys since: the log leads from there to now", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, first] = await meet(liar, "alice", "bob");
  const old = blobOf(liar, "bob", STATE);
  await alice.chat.sealed.rekey(ROOM);
  await alice.chat.send("one", { room: ROOM });
  await first.reads("one");
  await first.chat.close();
  restore(liar, "bob", old);
  const bob = await liar.enter("bob");
  await bob.reads("one");
  await Promise.all([bob.chat.send("two", { room: ROOM }), alice.reads("two")]);
  assert.deepEqual(bob.errors, []);
});

Deno.test("an old state of a room, and own keys since: the room cannot be followed, and that is told", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [, first] = await meet(liar, "alice", "bob");
  const old = blobOf(liar, "bob", STATE);
  await first.chat.sealed.rekey(ROOM);
  await first.chat.close();
  restore(liar, "bob", old);
  const bob = await liar.enter("bob");
  const { message } = await bob.fails("mls-invalid");
  assert.match(message, /own, with new keys that only its next state has/);
});

Deno.test("an old list of contacts: detected by what a room's state knows of it", async () => {
  await using liar = await Liar.start("alice", "bob");
  const early = await liar.enter("bob");
  const old = blobOf(liar, "bob", "account");
  await early.chat.close();
  const [, first] = await meet(liar, "alice", "bob");
  await first.chat.send("hello", { room: ROOM });
  await first.chat.close();
  assert.ok(blobOf(liar, "bob", "account").version > old.version);
  restore(liar, "bob", old);
  const bob = await liar.enter("bob");
  await bob.fails("vault-rolled-back");
});

Deno.test("a whole vault as it once was: detected by what the account itself has said since", async () => {
  await using liar = await Liar.start("alice", "bob", "carol");
  const [alice, first] = await meet(liar, "alice", "bob");
  const old = blobsOf(liar, "bob");
  await liar.enter("carol");
  await alice.chat.sealed.invite(ROOM, ["carol"]);
  await first.hears("members", ({ added }) => added.includes("carol"));
  await first.chat.sealed.confirm("carol");
  await first.chat.send("hello carol", { room: ROOM });
  await first.chat.close();
  for (const blob of old) restore(liar, "bob", blob);
  const bob = await liar.enter("bob");
  await bob.fails("vault-rolled-back");
});

/** Blobs that the server gives for bob's state of the room. */
const SWAPPED: { readonly [what: string]: (liar: Liar, state: Blob) => Partial<Blob> } = {
  "another device's": (liar) => ({ data: blobOf(liar, "bob", "device/1").data }),
  "another user's": (liar) => ({ data: blobOf(liar, "alice", STATE).data }),
  "the right one, as a newer version": (_, { version }) => ({ version: version + 1 }),
  "an altered one": (_, { data }) => ({ data: data.with(100, data[100]! ^ 1) }),
};

for (const [what, swap] of Object.entries(SWAPPED)) {
  Deno.test(`a state of a room that is ${what}: not taken, and told`, async () => {
    await using liar = await Liar.start("alice", "bob");
    const [, first] = await meet(liar, "alice", "bob");
    await first.chat.close();
    const state = blobOf(liar, "bob", STATE);
    restore(liar, "bob", { ...state, ...swap(liar, state) });
    const bob = await liar.enter("bob");
    assert.equal((await bob.fails("vault-invalid")).room, ROOM);
    assert.deepEqual(bob.chat.rooms.map(({ room }) => room), ["lobby"]);
  });
}

Deno.test("a state of one room that is given as another's: not taken, and told", async () => {
  await using liar = await Liar.start("alice");
  const [first] = await meet(liar, "alice");
  await first.chat.sealed.create("second");
  await first.chat.close();
  restore(liar, "alice", { ...blobOf(liar, "alice", "device/1/second"), name: STATE });
  const alice = await liar.enter("alice");
  assert.equal((await alice.fails("vault-invalid")).room, ROOM);
});

Deno.test("a vault that is dropped: its owner is told of the new identity, and the others are warned", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, first] = await meet(liar, "alice", "bob");
  await first.chat.close();
  for (const table of ["blobs", "devices", "key_packages"]) {
    liar.sql(`DELETE FROM ${table} WHERE account = 'bob'`);
  }
  const bob = await liar.enter("bob");
  const { message } = await bob.hears("notice", ({ code }) => code === "identity-made");
  assert.match(message, /new identity key/);
  await bob.fails("no-keys");
  await assertFails(alice.chat.sealed.invite(ROOM, ["bob"]), CallerError, "identity-changed");
  assert.ok((await alice.chat.sealed.identityOf("bob")).changed !== undefined);
});

Deno.test("a wrap that does not open is told, and stays as it is", async () => {
  await using liar = await Liar.start("alice", "bob");
  for (const user of ["alice", "bob"]) await (await liar.enter(user)).chat.close();
  const before = blobsOf(liar, "bob").filter(({ name }) => name !== "wrap");
  const foreign = blobOf(liar, "alice", "wrap");
  restore(liar, "bob", foreign);
  const bob = await liar.enter("bob");
  await bob.fails("vault-invalid");
  assert.deepEqual(blobsOf(liar, "bob"), [...before, foreign]);
});

for (const name of ["account", "device/1"]) {
  Deno.test(`a vault without its ${name}: told, and nothing is said with keys that do not fit`, async () => {
    await using liar = await Liar.start("alice", "bob");
    const [alice, first] = await meet(liar, "alice", "bob");
    await first.chat.close();
    liar.sql("DELETE FROM blobs WHERE account = 'bob' AND name = ?", name);
    const bob = await liar.enter("bob");
    await bob.fails("vault-rolled-back");
    assert.deepEqual(bob.chat.rooms.map(({ room }) => room), ["lobby"]);
    await alice.chat.send("still here", { room: ROOM });
    assert.deepEqual(alice.errors, []);
  });
}

/** Refuses each of these blobs: somebody has put a newer one, it says. Returns how many there were. */
function refuseBlob(liar: Liar, name: string): { puts: number } {
  const seen = { puts: 0 };
  const parts: ClientMessage[] = [];
  liar.toServer = (message, wire) => {
    if (message.type === "part") {
      parts.push(message);
      return [];
    }
    const before = parts.splice(0);
    if (message.type !== "request" || message.request.do !== "put") return [...before, message];
    if (message.request.name !== name) return [...before, message];
    seen.puts += 1;
    wire.say({ type: "error", code: "blob-outdated", message: "No.", ref: message.ref });
    return [];
  };
  return seen;
}

for (const name of ["wrap", "account"]) {
  Deno.test(`a server that has always a newer ${name}, and never gives one: told, and asked no more`, async () => {
    await using liar = await Liar.start("alice");
    const seen = refuseBlob(liar, name);
    const alice = await liar.connect("alice");
    await alice.fails("vault-rolled-back");
    assert.equal(seen.puts, 1);
  });
}

Deno.test("what is refused as outdated, and is not, is not sealed anew as the same version", async () => {
  await using liar = await Liar.start("alice", "bob");
  const alice = await liar.enter("alice");
  await liar.enter("bob");
  const seen = refuseBlob(liar, "account");
  await alice.chat.sealed.identityOf("bob");
  await alice.fails("vault-rolled-back");
  assert.equal(seen.puts, 1);
});
