/**
 * Accounts and their vaults: what survives a session, another password, and an operator's reset.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { dial } from "../../lib/client/dial.ts";
import { prove } from "../../lib/client/login.ts";
import { openDatabase } from "../../lib/database.ts";
import type { StoredBlob } from "../../lib/delivery/vault.ts";
import { CallerError } from "../../lib/errors.ts";
import { CONSOLE, Operations } from "../../lib/server/operations.ts";
import { openBlob } from "../../lib/vault/blob.ts";
import { unwrapVaultRing } from "../../lib/vault/vault_key.ts";
import { assertFails, TestServer } from "../attacks/server.ts";
import { accounts, gather, Person, ROOM } from "./person.ts";

const NAMES = ["alice", "bob", "carol"] as const;
const NEW_PASSWORD = "another password 7";

/** An operator gives somebody another password, as `server.ts user passwd` does. */
async function resetPassword(server: TestServer, name: string): Promise<void> {
  const database = openDatabase(server.db);
  try {
    const operations = await Operations.open(database, server.db);
    operations.setPassword(CONSOLE, name, NEW_PASSWORD);
  } finally {
    database.close();
  }
}

/** All of an account's vault, as the database has it. */
function blobsOf({ db }: TestServer, account: string): Map<string, StoredBlob> {
  const database = new DatabaseSync(db, { readOnly: true });
  try {
    const sql = "SELECT name, version, data FROM blobs WHERE account = ? ORDER BY name";
    const rows = database.prepare(sql).all(account) as unknown as (StoredBlob & { name: string })[];
    return new Map(rows.map(({ name, version, data }) => [name, { version, data }]));
  } finally {
    database.close();
  }
}

Deno.test("what was compared stays compared in the next session, and on other devices", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using bob = await Person.come(server, "bob");
  {
    await using people = await Person.comeAll(server, "alice", "carol");
    const [alice] = people.all;
    await gather([alice, bob]);
    const seen = await alice.chat.sealed.identityOf("bob");
    assert.equal(seen.verified, false);
    const shown = await bob.chat.sealed.identityOf("alice");
    assert.deepEqual(shown.pinned.number, seen.pinned.number, "both see one number");
    assert.equal(await alice.chat.sealed.confirm("bob"), false);
    await alice.chat.sealed.identityOf("carol");
  }
  await using devices = await Person.comeAll(server, "alice", "alice");
  for (const device of devices) {
    assert.equal((await device.chat.sealed.identityOf("bob")).verified, true);
    assert.equal((await device.chat.sealed.identityOf("carol")).verified, false);
    const { members } = await device.chat.sealed.security(ROOM);
    assert.deepEqual(members.map(({ user, trust }) => [user, trust]), [
      ["alice", "own"],
      ["bob", "verified"],
    ]);
    assert.deepEqual(device.errors, []);
  }
});

Deno.test("what two devices compare at once is kept of both", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  {
    await using others = await Person.comeAll(server, "bob", "carol");
    await using devices = await Person.comeAll(server, "alice", "alice");
    await Promise.all([...devices].map(async ({ chat: { sealed } }, at) => {
      const name = [...others][at]?.name as string;
      await sealed.identityOf(name);
      await sealed.confirm(name);
    }));
    for (const one of devices) assert.deepEqual(one.errors, []);
  }
  await using alice = await Person.come(server, "alice");
  for (const name of ["bob", "carol"]) {
    assert.equal((await alice.chat.sealed.identityOf(name)).verified, true, name);
  }
});

Deno.test("history and search go over epochs, and show what members signed", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  {
    await using people = await Person.comeAll(server, "alice", "bob");
    await gather(people);
    const [alice, bob] = people.all;
    for (let epoch = 0; epoch < 4; epoch++) {
      await alice.say(`apple ${epoch}`);
      await bob.say(`pear ${epoch}`);
      await bob.chat.sealed.rekey(ROOM);
    }
  }
  await using bob = await Person.come(server, "bob");
  const all = [0, 1, 2, 3].flatMap((epoch) => [`apple ${epoch}`, `pear ${epoch}`]);
  assert.deepEqual(await bob.recalls(), all);
  bob.chat.searchIn(ROOM).start("pear");
  await bob.sees((event) => event.type === "search" && event.state === "done");
  const found = bob.events.filter((event) => event.type === "found").map(({ text }) => text);
  assert.deepEqual(found.toSorted(), all.filter((text) => text.startsWith("pear")));
  await using later = await Person.come(server, "bob", { room: ROOM, history: 3 });
  await later.hears("pear 3");
  const shown = later.events.filter((event) => event.type === "message").map(({ text }) => text);
  assert.deepEqual(shown, all.slice(-shown.length)); // a commit counts as an entry
  for (const one of [bob, later]) assert.deepEqual(one.errors, []);
});

// Those below stretch passwords, as life does: some seconds.

Deno.test("another password keeps everything, for the next session and for those that are there", async () => {
  const password = "a chosen password";
  const people = ["alice", "bob"].map((username) => ({ username, password }));
  await using server = await TestServer.start(people, {}, "chosen");
  await using bob = await Person.come(server, "bob", { password });
  {
    await using alice = await Person.come(server, "alice", { password });
    await using other = await Person.come(server, "alice", { password });
    await gather([alice, bob]);
    await other.told("joined");
    await alice.chat.sealed.identityOf("bob");
    await alice.chat.sealed.confirm("bob");
    await other.say("before"); // it is a member by now
    await alice.hears("before");
    await alice.chat.changePassword(password, NEW_PASSWORD);
    await alice.chat.sealed.rekey(ROOM);
    await other.chat.sealed.rekey(ROOM);
    await other.say("after");
    await Promise.all([alice, bob].map((one) => one.hears("after")));
    await other.sees((event) => event.type === "error");
    assert.deepEqual(alice.errors, []);
    assert.deepEqual(other.errors.map((error) => error.split(":")[0]), ["password-changed"]);
  }
  await using alice = await Person.come(server, "alice", { password: NEW_PASSWORD });
  assert.deepEqual(await alice.recalls(), ["before", "after"]);
  assert.equal((await alice.chat.sealed.identityOf("bob")).verified, true);
  await alice.say("the same as ever");
  await bob.hears("the same as ever");
  for (const one of [alice, bob]) assert.deepEqual(one.errors, []);
});

Deno.test("with the password before and a database from before, nothing opens that is saved later", async () => {
  const before = { username: "alice", password: "a chosen password" };
  await using server = await TestServer.start([before], {}, "chosen");
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  const { exportKey } = await prove(channel, before, "chosen");
  await channel.close();
  await using alice = await Person.come(server, "alice", before);
  await alice.chat.sealed.create(ROOM);
  const old = blobsOf(server, "alice");
  const ring = unwrapVaultRing(old.get("wrap")!.data, exportKey, "alice");
  const opens = ([name, { version, data }]: [string, StoredBlob]): boolean => {
    try {
      return openBlob(ring, { user: "alice", name, version }, data).length > 0;
    } catch {
      return false;
    }
  };
  old.delete("wrap");
  assert.deepEqual([...old.keys()], ["account", "device/1", `device/1/${ROOM}`]);
  assert.ok([...old].every(opens));
  await alice.chat.changePassword(before.password, NEW_PASSWORD);
  await alice.chat.sealed.rekey(ROOM);
  const later = blobsOf(server, "alice");
  assert.throws(() => unwrapVaultRing(later.get("wrap")!.data, exportKey, "alice"));
  assert.deepEqual([...later].filter(opens), []);
  assert.deepEqual(alice.errors, []);
});

Deno.test("after an operator's reset an account is somebody new, who is let in again once compared", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using people = await Person.comeAll(server, "alice", "carol");
  const [alice, carol] = people.all;
  {
    await using bobs = await Person.comeAll(server, "bob", "bob");
    const [bob, other] = bobs.all;
    await gather([alice, carol, bob]);
    await other.told("joined");
    await bob.say("before");
    await alice.hears("before");
  }
  await resetPassword(server, "bob");
  await using bob = await Person.come(server, "bob", { password: NEW_PASSWORD });
  await bob.sees((event) => event.type === "notice" && event.code === "identity-made");
  assert.deepEqual(bob.errors.map((error) => error.split(":")[0]), ["no-keys"]);
  const inviting = alice.chat.sealed.invite(ROOM, ["bob"]);
  await assertFails(inviting, CallerError, "identity-changed");
  const { changed } = await alice.chat.sealed.identityOf("bob");
  const shown = await bob.chat.sealed.identityOf("alice");
  assert.deepEqual(changed?.number, shown.pinned.number);
  assert.equal(await alice.chat.sealed.confirm("bob"), true);
  await alice.chat.sealed.invite(ROOM, ["bob"]);
  await bob.told("joined");
  await alice.say("after");
  await bob.hears("after");
  await bob.say("it is me");
  await alice.hears("it is me");
  assert.deepEqual(await alice.members(), { alice: 1, carol: 1, bob: 1 });
  assert.deepEqual(await bob.recalls(), []);
  await carol.sees((event) => event.type === "identity" && event.user === "bob");
  assert.deepEqual(alice.errors, []);
});
