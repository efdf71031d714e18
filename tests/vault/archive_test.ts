/**
 * A room's archive: which key an entry was sealed with, and whose signature counts when.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { BugError, CallerError, EnvironmentError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import {
  Archive,
  type EpochMember,
  MAX_EPOCHS_KEPT,
  MAX_SIGNERS_KEPT,
} from "../../lib/vault/archive.ts";
import { assertThrows } from "../attacks/server.ts";
import { key32 } from "./records.ts";

const KEYS = [1, 2, 3, 4].map((byte) => FernetKey.fromBytes(key32(byte)));

/** A device with its account's identity. */
function member(user: string, device: number, identity = device): EpochMember {
  return { user, signatureKey: key32(device), identity: key32(identity) };
}

const [alice, bob, carol] = [member("alice", 11), member("bob", 12), member("carol", 13)];

/** Epochs 0, 1 and 2, begun by the entries 0, 5 and 9: Bob comes with 1 and goes with 2. */
const archive = new Archive()
  .begin(0, 0, KEYS[0]!, [alice])
  .begin(1, 5, KEYS[1]!, [alice, bob])
  .begin(2, 9, KEYS[2]!, [alice, carol]);

/** Whose device it was in that epoch. */
function whose(device: number, epoch: number, from = archive): string | undefined {
  return from.signerAt(key32(device), epoch)?.user;
}

Deno.test("an entry is sealed in the epoch that its place is in; a commit in the one that it ends", () => {
  const epochs = [1, 4, 5, 6, 8, 9, 10, 1000].map((seq) => archive.keyAt(seq)?.epoch);
  assert.deepEqual(epochs, [0, 0, 0, 1, 1, 1, 2, 2]);
});

Deno.test("nothing is known of entries before the first epoch, nor of the commit that began it", () => {
  assert.equal(archive.keyAt(0), undefined);
  const joined = new Archive().begin(7, 40, KEYS[0]!, [alice]);
  assert.deepEqual([1, 39, 40].map((seq) => joined.keyAt(seq)), Array(3).fill(undefined));
  assert.equal(joined.keyAt(41)?.epoch, 7);
});

Deno.test("an empty archive knows nothing", () => {
  const empty = new Archive();
  assert.equal(empty.keyAt(1), undefined);
  assert.equal(empty.keyById(KEYS[0]!.id), undefined);
  assert.equal(empty.signerAt(key32(11), 0), undefined);
  assertThrows(() => empty.ring(), CallerError, "key-ring-empty");
});

Deno.test("keyAt() is what a search from the end finds, for any epochs", () => {
  const places = fc.uniqueArray(fc.nat(50), { minLength: 1 }).map((all) =>
    all.sort((one, other) => one - other)
  );
  fc.assert(fc.property(places, fc.nat(60), (begins, seq) => {
    const epochs = begins.map((begin, epoch) => ({ epoch, seq: begin, key: KEYS[0]! }));
    const expected = epochs.findLast((epoch) => epoch.seq < seq);
    assert.equal(new Archive(epochs).keyAt(seq), expected);
  }));
});

Deno.test("keyById() finds any epoch's key, the newest of equal ones", () => {
  KEYS.slice(0, 3).forEach((key, epoch) => assert.equal(archive.keyById(key.id)?.epoch, epoch));
  assert.equal(archive.keyById(KEYS[3]!.id), undefined);
  assert.equal(archive.begin(3, 12, KEYS[0]!, [alice]).keyById(KEYS[0]!.id)?.epoch, 3);
});

Deno.test("ring() has all keys, the newest first", () => {
  assert.deepEqual(archive.ring().keys.map(String), [KEYS[2], KEYS[1], KEYS[0]].map(String));
});

Deno.test("a device signs from the epoch on that it came with, until before that which it went with", () => {
  assert.deepEqual([0, 1, 2, 3].map((epoch) => whose(11, epoch)), Array(4).fill("alice"));
  assert.deepEqual([0, 1, 2, 3].map((epoch) => whose(12, epoch)), [
    ...[undefined, "bob", undefined, undefined],
  ]);
  assert.deepEqual([0, 1, 2, 3].map((epoch) => whose(13, epoch)), [
    ...[undefined, undefined, "carol", "carol"],
  ]);
  assert.equal(whose(99, 1), undefined);
});

Deno.test("a device that went and came again does not sign for the time between", () => {
  const again = archive.begin(3, 12, KEYS[3]!, [alice, bob]);
  assert.deepEqual([0, 1, 2, 3].map((epoch) => whose(12, epoch, again)), [
    ...[undefined, "bob", undefined, "bob"],
  ]);
});

Deno.test("a device under a new identity is that from its epoch on", () => {
  const changed = archive.begin(3, 12, KEYS[3]!, [member("alice", 11, 77)]);
  assert.deepEqual(changed.signerAt(key32(11), 2)?.identity, key32(11));
  assert.deepEqual(changed.signerAt(key32(11), 3)?.identity, key32(77));
});

Deno.test("devices of one account are told apart", () => {
  const two = new Archive()
    .begin(0, 0, KEYS[0]!, [member("alice", 11, 1), member("alice", 12, 1)])
    .begin(1, 3, KEYS[1]!, [member("alice", 12, 1)]);
  assert.deepEqual([11, 12].map((device) => whose(device, 1, two)), [undefined, "alice"]);
});

Deno.test("begin() leaves the archive of before as it was", () => {
  const before = archive.signers.map((signer) => ({ ...signer }));
  archive.begin(3, 12, KEYS[3]!, []);
  assert.deepEqual(archive.signers, before);
  assert.equal(archive.current?.epoch, 2);
});

Deno.test("an epoch that does not come after the last, in its number and place, is a bug of ours", () => {
  for (const [epoch, seq] of [[2, 12], [1, 12], [3, 9], [3, 5]] as const) {
    assertThrows(() => archive.begin(epoch, seq, KEYS[3]!, [alice]), BugError, "bug");
  }
});

Deno.test("after a time as no member, what was before and what is now are both known", () => {
  const later = archive.begin(7, 40, KEYS[3]!, [alice, carol]);
  assert.equal(later.keyAt(10)?.epoch, 2);
  assert.equal(later.keyAt(41)?.epoch, 7);
  assert.equal(whose(13, 7, later), "carol");
});

Deno.test("keepNewest(): what is older is gone, and who was gone by then", () => {
  const kept = archive.keepNewest(1);
  assert.deepEqual(kept.epochs.map(({ epoch }) => epoch), [2]);
  assert.deepEqual(kept.signers.map(({ user }) => user), ["alice", "carol"]);
  assert.equal(kept.keyAt(9), undefined);
  assert.deepEqual(archive.keepNewest(2).signers.map(({ user }) => user), [
    ...["alice", "bob", "carol"],
  ]);
  assert.equal(archive.keepNewest(3), archive);
});

/** So many epochs of a room with these members. */
function longLived(count: number, members: EpochMember[]): Archive {
  const epochs = Array.from(
    { length: count },
    (_, epoch) => ({ epoch, seq: epoch, key: KEYS[0]! }),
  );
  const signers = members.map(({ user, signatureKey: deviceKey, identity }) => ({
    ...{ user, deviceKey, identity, from: 0 },
  }));
  return new Archive(epochs, signers);
}

Deno.test("so many epochs are kept, and of one more the oldest goes", () => {
  for (const [count, oldest] of [[-1, 0], [0, 0], [1, 1]] as const) {
    const size = MAX_EPOCHS_KEPT + count;
    const next = longLived(size - 1, [alice]).begin(size - 1, size - 1, KEYS[1]!, [alice]);
    assert.equal(next.epochs.length, Math.min(size, MAX_EPOCHS_KEPT));
    assert.equal(next.epochs[0]?.epoch, oldest);
  }
});

/** So many devices. */
function crowd(size: number): EpochMember[] {
  return Array.from({ length: size }, (_, at) => {
    const signatureKey = new Uint8Array(32);
    new DataView(signatureKey.buffer).setUint32(0, at);
    return { user: `u${at}`, signatureKey, identity: signatureKey };
  });
}

Deno.test("so many devices fit, whoever was there before; of one more the room is too large", () => {
  const full = new Archive().begin(0, 0, KEYS[0]!, crowd(MAX_SIGNERS_KEPT - 1))
    .begin(1, 1, KEYS[1]!, crowd(MAX_SIGNERS_KEPT));
  assert.equal(full.signers.length, MAX_SIGNERS_KEPT);
  assert.equal(full.epochs.length, 2);
  const others = crowd(MAX_SIGNERS_KEPT + 1);
  assertThrows(() => full.begin(2, 2, KEYS[2]!, others), EnvironmentError, "room-too-large");
  const next = full.begin(2, 2, KEYS[2]!, others.slice(1)); // one went, one came: one too many
  assert.deepEqual(next.signers.map(({ user }) => user), others.slice(1).map(({ user }) => user));
  assert.deepEqual(next.epochs.map(({ epoch }) => epoch), [2]);
});
