/**
 * The blobs `device/N/ROOM`: how far a device has followed a sealed room, what it needs to read that
 * room's log, and its state in the MLS group.
 *
 *     frames(meta as JSON, state, pending state or nothing)
 *
 * @module
 */

import * as v from "valibot";
import { bytesIn, encodeBase64url } from "../base64url.ts";
import { CallerError } from "../errors.ts";
import { FernetKey } from "../fernet.ts";
import { decodeFrames, encodeFrames } from "../framing.ts";
import { accountName, chainValue, fernetKey, sequence } from "../protocol/fields.ts";
import { Archive, MAX_EPOCHS_KEPT, MAX_SIGNERS_KEPT, type Signer } from "./archive.ts";
import { MAX_BLOB_CONTENT_BYTES } from "./blob.ts";
import { checkForm, decodeJson, encodeJson } from "./canonical_json.ts";
import { MAX_RECENT, RecentEntries } from "./recent_entries.ts";
import { invalid } from "./seal.ts";

/** Accounts that asked to leave and have not been removed yet: all members of the largest room. */
export const MAX_LEAVING = 512;

/** A commit of this device's that the server may or may not have taken. */
export interface PendingCommit {
  /** SHA-256 of the commit: 64 hex digits. */
  commit: string;
  /** The group's state, if it was taken. */
  state: Uint8Array;
}

/** See the module's description. */
export interface RoomRecord {
  /** The last entry that was followed. */
  seq: number;
  /** The log's chain there: 64 hex digits. */
  head: string;
  archive: Archive;
  /** Which messages of the epoch were followed lately: see `RecentEntries`. */
  recent: Uint8Array;
  /** Names of accounts that have resigned and are still in the group. */
  leaving: readonly string[];
  /** The newest version of the blob `account` that this device knows of. */
  account: number;
  /** The group's state after that entry. */
  state: Uint8Array;
  pending?: PendingCommit;
}

const key32 = bytesIn(32);

const metaSchema = v.strictObject({
  seq: sequence,
  head: chainValue,
  epochs: v.pipe(
    v.array(v.strictObject({
      epoch: sequence,
      seq: sequence,
      key: v.pipe(fernetKey, v.transform((text) => FernetKey.parse(text))),
    })),
    v.minLength(1),
    v.maxLength(MAX_EPOCHS_KEPT),
    v.check((epochs) => epochs.every(isAfter), "epochs out of their order"),
  ),
  signers: v.pipe(
    v.array(v.pipe(
      v.strictObject({
        user: accountName,
        device: key32,
        identity: key32,
        from: sequence,
        to: v.exactOptional(sequence),
      }),
      v.check(({ from, to = Infinity }) => from < to, "a time that ends before it begins"),
    )),
    v.maxLength(MAX_SIGNERS_KEPT),
  ),
  recent: v.pipe(
    bytesIn(0, 8 * MAX_RECENT),
    v.check((bytes) => RecentEntries.isValid(bytes), "no list of entries"),
  ),
  leaving: v.pipe(v.array(accountName), v.maxLength(MAX_LEAVING)),
  account: sequence,
  pending: v.exactOptional(chainValue),
});

/**
 * The record as bytes. If they would be more than a blob can hold, the oldest epochs are left out.
 *
 * @throws {CallerError} `blob-too-large` if that does not help.
 */
export function encodeRoomRecord(record: RoomRecord): Uint8Array {
  const bytes = encode(record);
  const { archive } = record;
  if (bytes.length <= MAX_BLOB_CONTENT_BYTES) return bytes;
  if (archive.epochs.length > 1) {
    return encodeRoomRecord({ ...record, archive: archive.keepNewest(archive.epochs.length >> 1) });
  }
  throw new CallerError(
    "blob-too-large",
    `Cannot keep a room's state of ${bytes.length} bytes: the limit is ${MAX_BLOB_CONTENT_BYTES}`,
  );
}

/**
 * The record again.
 *
 * @throws {PeerError} `vault-invalid` for whatever {@linkcode encodeRoomRecord} does not give.
 */
export function decodeRoomRecord(bytes: Uint8Array): RoomRecord {
  if (bytes.length > MAX_BLOB_CONTENT_BYTES) throw invalid("a room's record is too large");
  const [metaBytes, state, pendingState] = split(bytes);
  const { epochs, signers, pending: commit, ...meta } = decodeJson(metaSchema, metaBytes);
  if ((commit !== undefined) !== pendingState.length > 0) {
    throw invalid("a room's record has half of a pending commit");
  }
  const archive = new Archive(
    epochs,
    signers.map(({ device: deviceKey, ...signer }) => ({ ...signer, deviceKey })),
  );
  const record: RoomRecord = { ...meta, archive, state };
  if (commit !== undefined) record.pending = { commit, state: pendingState };
  checkForm(bytes, encode(record));
  return record;
}

function encode(record: RoomRecord): Uint8Array {
  const { seq, head, archive, leaving, account, state, pending } = record;
  const recent = encodeBase64url(record.recent);
  const epochs = archive.epochs.map(({ epoch, seq, key }) => ({ epoch, seq, key: `${key}` }));
  const signers = archive.signers.map(signerText);
  const meta = { seq, head, epochs, signers, recent, leaving, account, pending: pending?.commit };
  return encodeFrames([encodeJson(meta), state, pending?.state ?? new Uint8Array()]);
}

function signerText({ user, deviceKey, identity, from, to }: Signer): object {
  const device = encodeBase64url(deviceKey);
  return { user, device, identity: encodeBase64url(identity), from, to };
}

function split(bytes: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  let parts: Uint8Array[];
  try {
    parts = decodeFrames(bytes);
  } catch (cause) {
    throw invalid("a room's record is cut", cause);
  }
  const [meta, state, pending, ...rest] = parts;
  if (meta === undefined || state === undefined || pending === undefined || rest.length > 0) {
    throw invalid("a room's record does not have three parts");
  }
  return [meta, state, pending];
}

/** Whether an epoch comes after the one before it. */
function isAfter(
  { epoch, seq }: { epoch: number; seq: number },
  at: number,
  epochs: readonly { epoch: number; seq: number }[],
): boolean {
  const before = epochs[at - 1];
  return before === undefined || before.epoch < epoch && before.seq < seq;
}
