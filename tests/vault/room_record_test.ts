/**
 * The blobs `device/N/ROOM`: whatever is kept comes back, in one form, within its limits.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { CallerError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { encodeFrames } from "../../lib/framing.ts";
import {
  Archive,
  MAX_EPOCHS_KEPT,
  MAX_SIGNERS_KEPT,
  type Signer,
} from "../../lib/vault/archive.ts";
import { MAX_BLOB_CONTENT_BYTES } from "../../lib/vault/blob.ts";
import { RecentEntries } from "../../lib/vault/recent_entries.ts";
import {
  decodeRoomRecord,
  encodeRoomRecord,
  MAX_LEAVING,
  type RoomRecord,
} from "../../lib/vault/room_record.ts";
import { assertThrows } from "../attacks/server.ts";
import { accountName, bytesOf, chainValue, sequence } from "../properties/arbitraries.ts";
import { hex, utf8 } from "../protocol/pipe.ts";
import { assertOneForm, json, key32, refuses, text32 } from "./records.ts";

const HEAD = "ab".repeat(32);
const KEY = FernetKey.fromBytes(key32(1));
const STATE = utf8("a group's state");
const PENDING = utf8("the state after a commit");

const META = {
  seq: 12,
  head: HEAD,
  epochs: [{ epoch: 3, seq: 7, key: `${KEY}` }, { epoch: 4, seq: 11, key: `${KEY}` }],
  signers: [
    { user: "alice", device: text32(1), identity: text32(2), from: 3 },
    { user: "Bob", device: text32(3), identity: text32(4), from: 3, to: 4 },
  ],
  recent: "AQIDBAUGBwgJCgsMDQ4PEA",
  leaving: ["carol"],
  account: 5,
};

const RECORD: RoomRecord = {
  seq: 12,
  head: HEAD,
  archive: new Archive(
    [{ epoch: 3, seq: 7, key: KEY }, { epoch: 4, seq: 11, key: KEY }],
    [
      { user: "alice", deviceKey: key32(1), identity: key32(2), from: 3 },
      { user: "Bob", deviceKey: key32(3), identity: key32(4), from: 3, to: 4 },
    ],
  ),
  recent: Uint8Array.from({ length: 16 }, (_, at) => at + 1),
  leaving: ["carol"],
  account: 5,
  state: STATE,
};

const codec = { decode: decodeRoomRecord, encode: encodeRoomRecord };

/** A record's bytes around any meta. */
function around(meta: unknown, pending: Uint8Array = new Uint8Array()): Uint8Array {
  return encodeFrames([json(meta), STATE, pending]);
}

/** A record as plain values. */
function plain(record: RoomRecord): unknown {
  return JSON.parse(JSON.stringify({
    ...record,
    archive: {
      epochs: record.archive.epochs.map(({ key, ...rest }) => ({ ...rest, key: `${key}` })),
      signers: record.archive.signers.map(plainSigner),
    },
    state: hex(record.state),
    pending: record.pending && [record.pending.commit, hex(record.pending.state)],
  }));
}

function plainSigner({ deviceKey, identity, ...rest }: Signer): unknown {
  return { ...rest, deviceKey: hex(deviceKey), identity: hex(identity) };
}

Deno.test("a record is three frames: what is known of the room, the state, a pending one or none", () => {
  assert.equal(hex(encodeRoomRecord(RECORD)), hex(around(META)));
  const pending = { ...RECORD, pending: { commit: HEAD, state: PENDING } };
  assert.equal(hex(encodeRoomRecord(pending)), hex(around({ ...META, pending: HEAD }, PENDING)));
});

const archive = fc.record({
  begins: fc.array(fc.tuple(fc.nat(1000), fc.nat(1000), bytesOf(32)), { minLength: 1 }),
  signers: fc.array(fc.record({
    user: accountName,
    deviceKey: bytesOf(32),
    identity: bytesOf(32),
    from: fc.nat(1000),
    lasts: fc.option(fc.integer({ min: 1, max: 1000 })),
  })),
}).map(({ begins, signers }) => {
  let [epoch, seq] = [-1, -1];
  const epochs = begins.map(([epochs, entries, key]) => {
    [epoch, seq] = [epoch + 1 + epochs, seq + 1 + entries];
    return { epoch, seq, key: FernetKey.fromBytes(key) };
  });
  return new Archive(
    epochs,
    signers.map(({ lasts, ...signer }) =>
      lasts === null ? signer : { ...signer, to: signer.from + lasts }
    ),
  );
});

const recentEntries = fc.array(fc.string(), { maxLength: 5 }).map((ids) => {
  const recent = new RecentEntries();
  for (const messageId of ids) recent.add({ sender: "alice", messageId });
  return recent.encode();
});

const record = fc.record({
  seq: sequence,
  head: chainValue,
  archive,
  recent: recentEntries,
  leaving: fc.array(accountName, { maxLength: 5 }),
  account: sequence,
  state: fc.uint8Array({ maxLength: 50 }),
  pending: fc.record({ commit: chainValue, state: fc.uint8Array({ minLength: 1, maxLength: 50 }) }),
}, {
  requiredKeys: ["seq", "head", "archive", "recent", "leaving", "account", "state"],
  noNullPrototype: true,
});

Deno.test("whatever a record holds comes back", () => {
  fc.assert(fc.property(record, (one) => {
    assert.deepEqual(plain(decodeRoomRecord(encodeRoomRecord(one))), plain(one));
  }));
});

Deno.test("decode succeeding means that encode gives the same bytes", () => {
  assertOneForm(codec, around(META), META, (meta) => encodeFrames([meta, STATE, PENDING]));
  const pending = { ...META, pending: HEAD };
  assertOneForm(
    codec,
    around(pending, PENDING),
    pending,
    (meta) => encodeFrames([meta, STATE, PENDING]),
  );
  assertOneForm(
    codec,
    around(META),
    META.signers[1]!,
    (signer) =>
      around(JSON.stringify({ ...META, signers: [0] }).replace("[0]", `[${text(signer)}]`)),
  );
});

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

const [first, second] = META.epochs as [object, object];
const [alice] = META.signers;
for (
  const [what, meta] of Object.entries({
    "no epoch": { ...META, epochs: [] },
    "epochs out of their order": { ...META, epochs: [second, first] },
    "an epoch twice": { ...META, epochs: [first, first] },
    "an epoch that begins no later": { ...META, epochs: [first, { ...second, seq: 7 }] },
    "a key of 31 bytes": { ...META, epochs: [{ ...first, key: "A".repeat(42) }] },
    "a key with stray bits": { ...META, epochs: [{ ...first, key: `${"A".repeat(42)}B=` }] },
    "a signer whose time has no length": { ...META, signers: [{ ...alice, to: 3 }] },
    "a signer without a device": { ...META, signers: [{ ...alice, device: undefined }] },
    "a place below 0": { ...META, seq: -1 },
    "a place that is not whole": { ...META, seq: 1.5 },
    "a chain that is none": { ...META, head: HEAD.toUpperCase() },
    "a commit without its state": { ...META, pending: HEAD },
    "half of an entry": { ...META, recent: META.recent.slice(0, -1) },
    "a name that is none": { ...META, leaving: [""] },
    "a field more": { ...META, more: 1 },
    "no meta": null,
  })
) {
  Deno.test(`a room's record with ${what} is refused`, () =>
    refuses(decodeRoomRecord, around(meta)));
}

Deno.test("a state without its commit, and other than three frames, are refused", () => {
  refuses(decodeRoomRecord, around(META, PENDING));
  for (const frames of [[], [json(META)], [json(META), STATE], [json(META), STATE, STATE, STATE]]) {
    refuses(decodeRoomRecord, encodeFrames(frames));
  }
  const bytes = around(META);
  for (let size = 0; size < bytes.length; size++) {
    refuses(decodeRoomRecord, bytes.subarray(0, size));
  }
  refuses(decodeRoomRecord, Uint8Array.of(...bytes, 0));
});

/** As much as a record may hold, each part with its longest values; and so many more. */
function fullMeta(more: { epochs?: number; signers?: number; leaving?: number }): object {
  const most = Number.MAX_SAFE_INTEGER;
  const list = <T>(size: number, make: (at: number) => T): T[] =>
    Array.from({ length: size }, (_, at) => make(at));
  const name = "n".repeat(32);
  const signer = { user: name, device: text32(1), identity: text32(2), from: most - 1, to: most };
  return {
    ...META,
    epochs: list(MAX_EPOCHS_KEPT + (more.epochs ?? 0), (at) => ({
      ...{ epoch: most - 9999 + at, seq: most - 9999 + at, key: `${KEY}` },
    })),
    signers: list(MAX_SIGNERS_KEPT + (more.signers ?? 0), () => signer),
    leaving: list(MAX_LEAVING + (more.leaving ?? 0), () => name),
  };
}

Deno.test("a record holds so many epochs, devices and names, and not one more, and leaves room for a state", () => {
  for (const part of ["epochs", "signers", "leaving"]) {
    for (const more of [-1, 0]) decodeRoomRecord(around(fullMeta({ [part]: more })));
    refuses(decodeRoomRecord, around(fullMeta({ [part]: 1 })));
  }
  const left = MAX_BLOB_CONTENT_BYTES - around(fullMeta({})).length;
  assert.ok(left > 400_000, `${left}`);
});

/** The record with a state that brings it to so many bytes. */
function sized(size: number, archive = RECORD.archive): RoomRecord {
  const empty = encodeRoomRecord({ ...RECORD, archive, state: new Uint8Array() }).length;
  return { ...RECORD, archive, state: new Uint8Array(size - empty) };
}

Deno.test("a record that fills a blob is kept whole, and one byte more costs it the oldest epochs", () => {
  for (const size of [MAX_BLOB_CONTENT_BYTES - 1, MAX_BLOB_CONTENT_BYTES]) {
    const bytes = encodeRoomRecord(sized(size));
    assert.equal(bytes.length, size);
    assert.equal(decodeRoomRecord(bytes).archive.epochs.length, 2);
  }
  const { archive, state } = decodeRoomRecord(encodeRoomRecord(sized(MAX_BLOB_CONTENT_BYTES + 1)));
  assert.deepEqual(archive.epochs.map(({ epoch }) => epoch), [4]);
  assert.deepEqual(archive.signers.map(({ user }) => user), ["alice"]);
  assert.equal(state.length, sized(MAX_BLOB_CONTENT_BYTES + 1).state.length);
});

Deno.test("a state that is too large even so cannot be kept, nor read", () => {
  const newest = RECORD.archive.keepNewest(1);
  const tooLarge = sized(MAX_BLOB_CONTENT_BYTES + 1, newest);
  assertThrows(() => encodeRoomRecord(tooLarge), CallerError, "blob-too-large");
  const state = tooLarge.state;
  const meta = { ...META, epochs: [second], signers: [alice] };
  refuses(decodeRoomRecord, encodeFrames([json(meta), state, new Uint8Array()]));
});
