/**
 * A member who fills the others' lists of contacts, with people that there may not even be: whoever
 * was known stays so, and rooms go on.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createIdentity } from "../../lib/mls/identity.ts";
import { decodeAccountRecord, encodeAccountRecord } from "../../lib/vault/account_record.ts";
import { sealBlob } from "../../lib/vault/blob.ts";
import { MAX_CONTACTS } from "../../lib/vault/contacts.ts";
import { blobOf, OpenVault } from "./sealed_insider.ts";
import { Liar } from "./sealed_liar.ts";
import { meet, ROOM } from "./sealed_tricks.ts";

/** Somebody's record with as many contacts as there can be. */
function fillContacts(liar: Liar, user: string): void {
  const vault = new OpenVault(liar, user);
  const record = decodeAccountRecord(vault.read("account"));
  const { publicKey } = createIdentity();
  for (let at = 0; record.contacts.size < MAX_CONTACTS; at++) {
    record.contacts.meet(`invented-${at}`, publicKey, 0);
  }
  const version = blobOf(liar, user, "account").version + 1;
  const data = sealBlob(vault.key, { user, name: "account", version }, encodeAccountRecord(record));
  const sql = "UPDATE blobs SET version = ?, data = ? WHERE account = ? AND name = 'account'";
  liar.sql(sql, version, data, user);
}

Deno.test("a full list of contacts: who comes new is told as one that is not kept, and the room goes on", async () => {
  await using liar = await Liar.start("alice", "bob", "carol");
  const [alice, first] = await meet(liar, "alice", "bob");
  await first.chat.close();
  fillContacts(liar, "bob");
  const carol = await liar.enter("carol");
  const bob = await liar.enter("bob");
  await bob.hears("joined");
  await alice.chat.sealed.invite(ROOM, ["carol"]);
  await bob.fails("contacts-full");
  await Promise.all([bob.chat.send("hello", { room: ROOM }), carol.reads("hello")]);
  const { members } = await bob.chat.sealed.security(ROOM);
  assert.deepEqual(members.map(({ user, trust }) => `${user} ${trust}`), [
    "alice unverified",
    "bob own",
    "carol unverified",
  ]);
  assert.deepEqual(bob.errors, ["contacts-full"]);
});
