/**
 * The blobs of a vault, as the server keeps them: it can neither read nor alter one, nor give it out
 * as another account's, under another name or as another version.
 *
 * @module
 */

import { BugError, CallerError } from "../errors.ts";
import { foldName } from "../folded_name.ts";
import { MAX_BLOB_BYTES } from "../protocol/limits.ts";
import {
  invalid,
  open,
  type Purpose,
  seal,
  SEAL_OVERHEAD_BYTES,
  unsafeSealWithSalt,
} from "./seal.ts";

/** The most bytes that a blob can hold. */
export const MAX_BLOB_CONTENT_BYTES = MAX_BLOB_BYTES - SEAL_OVERHEAD_BYTES;

/** Bound into the keys, so that they can equal no key that is made for anything else. */
const LABEL = "fernchat blob v1";

/** What a blob is called, and which of the blobs of that name it is. */
export interface BlobId {
  /** Whose it is; the spelling makes no difference. */
  user: string;
  /** `account`, `device/N` or `device/N/ROOM`. */
  name: string;
  /** As the server counts: 1 for the first that is put. */
  version: number;
}

/**
 * Encrypts a blob: 48 bytes longer than what it holds.
 *
 * @param id with the version that it will have: one more than the one before.
 * @throws {CallerError} `blob-too-large` above {@linkcode MAX_BLOB_CONTENT_BYTES}.
 */
export function sealBlob(vaultKey: Uint8Array, id: BlobId, bytes: Uint8Array): Uint8Array {
  checkContent(id, bytes);
  return seal(vaultKey, purposeOf(id), bytes);
}

/** The same with a given salt, for known answers only. */
export function unsafeSealBlobWithSalt(
  vaultKey: Uint8Array,
  id: BlobId,
  bytes: Uint8Array,
  salt: Uint8Array,
): Uint8Array {
  checkContent(id, bytes);
  return unsafeSealWithSalt(vaultKey, purposeOf(id), bytes, salt);
}

/**
 * What a blob holds.
 *
 * @param id with the version under which the server gave it.
 * @throws {PeerError} `vault-invalid` if it was not sealed with this key as this very blob.
 */
export function openBlob(vaultKey: Uint8Array, id: BlobId, blob: Uint8Array): Uint8Array {
  if (blob.length > MAX_BLOB_BYTES) throw invalid("a blob is larger than any can be");
  return open(vaultKey, purposeOf(id), blob);
}

function purposeOf({ user, name, version }: BlobId): Purpose {
  const folded = foldName(user);
  return { key: [LABEL, folded, name], additional: [folded, name, String(version)] };
}

function checkContent({ name, version }: BlobId, bytes: Uint8Array): void {
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new BugError(`Cannot seal a blob as version ${version}`);
  }
  if (bytes.length <= MAX_BLOB_CONTENT_BYTES) return;
  throw new CallerError(
    "blob-too-large",
    `Cannot keep ${name} with ${bytes.length} bytes: the limit is ${MAX_BLOB_CONTENT_BYTES}`,
  );
}
