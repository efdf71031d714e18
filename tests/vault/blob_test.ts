/**
 * A vault's blobs: each opens as itself, and as nothing else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { BugError, CallerError, PeerError } from "../../lib/errors.ts";
import { MAX_BLOB_BYTES } from "../../lib/protocol/limits.ts";
import {
  type BlobId,
  MAX_BLOB_CONTENT_BYTES,
  openBlob,
  sealBlob,
  unsafeSealBlobWithSalt,
} from "../../lib/vault/blob.ts";
import { createVaultKey } from "../../lib/vault/vault_key.ts";
import { assertThrows } from "../attacks/server.ts";
import { accountName, bytesOf } from "../properties/arbitraries.ts";
import { flipBit, hex, utf8 } from "../protocol/pipe.ts";

const vaultKey = createVaultKey();
const ID: BlobId = { user: "Alice", name: "device/1/physics", version: 7 };
const CONTENT = utf8("what a device has to keep");
const blob = sealBlob(vaultKey, ID, CONTENT);

const blobName = fc.stringMatching(
  /^(?:wrap|account|device\/[1-9](?:\/[a-z0-9][a-z0-9_-]{0,31})?)$/,
);
const blobId = fc.record({
  user: accountName,
  name: blobName,
  version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
});

function refuses(key: Uint8Array, id: BlobId, bytes: Uint8Array): void {
  assertThrows(() => openBlob(key, id, bytes), PeerError, "vault-invalid");
}

Deno.test("openBlob() gives what sealBlob() took, for any name, version, key and content", () => {
  fc.assert(
    fc.property(bytesOf(32), blobId, fc.uint8Array({ maxLength: 300 }), (key, id, content) => {
      assert.equal(hex(openBlob(key, id, sealBlob(key, id, content))), hex(content));
    }),
  );
});

Deno.test("a blob is a salt, the ciphertext and a tag: 48 bytes longer, and never the same twice", () => {
  assert.equal(blob.length, CONTENT.length + 48);
  const again = sealBlob(vaultKey, ID, CONTENT);
  assert.notEqual(hex(again.subarray(0, 32)), hex(blob.subarray(0, 32)));
  assert.notEqual(hex(again.subarray(32)), hex(blob.subarray(32)));
});

Deno.test("the spelling of the user's name makes no difference", () => {
  assert.equal(hex(openBlob(vaultKey, { ...ID, user: "aLICE" }, blob)), hex(CONTENT));
});

Deno.test("a blob is refused as another user's, under another name, as another version", () => {
  const others: Partial<BlobId>[] = [
    { user: "alic" },
    { user: "bob" },
    { name: "device/1" },
    { name: "device/1/physic" },
    { name: "device/11/physics" },
    { name: "Device/1/physics" },
    { version: 6 },
    { version: 8 },
    { version: 0 },
    { user: "alicedevice", name: "/1/physics" }, // the same characters, split elsewhere
    { name: "device/1/physics7", version: NaN },
  ];
  for (const other of others) refuses(vaultKey, { ...ID, ...other }, blob);
});

Deno.test("any two blobs that differ in key, user, name or version do not open as one another", () => {
  fc.assert(fc.property(bytesOf(32), bytesOf(32), blobId, blobId, (key, otherKey, id, other) => {
    const sealed = sealBlob(key, id, CONTENT);
    if (hex(key) !== hex(otherKey)) refuses(otherKey, id, sealed);
    const isSame = id.user.toLowerCase() === other.user.toLowerCase() &&
      id.name === other.name && id.version === other.version;
    if (!isSame) refuses(key, other, sealed);
  }));
});

Deno.test("a blob with any bit flipped, cut anywhere or grown is refused", () => {
  for (let bit = 0; bit < blob.length * 8; bit++) refuses(vaultKey, ID, flipBit(blob, bit));
  for (let size = 0; size < blob.length; size++) refuses(vaultKey, ID, blob.subarray(0, size));
  refuses(vaultKey, ID, Uint8Array.of(...blob, 0));
  for (let bit = 0; bit < 256; bit++) refuses(flipBit(vaultKey, bit), ID, blob);
});

Deno.test("all refusals look the same from outside", () => {
  const messages = [flipBit(blob, 0), flipBit(blob, 400), blob.subarray(0, 60)].map((bytes) =>
    assertThrows(() => openBlob(vaultKey, ID, bytes), PeerError, "vault-invalid").message
  );
  assert.equal(new Set(messages).size, 1);
});

Deno.test("a blob holds so many bytes, and not one more", () => {
  for (const size of [0, MAX_BLOB_CONTENT_BYTES - 1, MAX_BLOB_CONTENT_BYTES]) {
    const sealed = sealBlob(vaultKey, ID, new Uint8Array(size));
    assert.ok(sealed.length <= MAX_BLOB_BYTES);
    assert.equal(openBlob(vaultKey, ID, sealed).length, size);
  }
  const tooMuch = new Uint8Array(MAX_BLOB_CONTENT_BYTES + 1);
  assertThrows(() => sealBlob(vaultKey, ID, tooMuch), CallerError, "blob-too-large");
  const largest = sealBlob(vaultKey, ID, tooMuch.subarray(1));
  assert.equal(largest.length, MAX_BLOB_BYTES);
  refuses(vaultKey, ID, Buffer.concat([largest, Uint8Array.of(0)]));
});

Deno.test("a version that cannot be, a key or a salt of another length are bugs of ours", () => {
  for (const version of [0, -1, 1.5, NaN, 2 ** 53]) {
    assertThrows(() => sealBlob(vaultKey, { ...ID, version }, CONTENT), BugError, "bug");
  }
  for (const size of [0, 31, 33]) {
    const wrong = new Uint8Array(size);
    assertThrows(() => sealBlob(wrong, ID, CONTENT), BugError, "bug");
    assertThrows(() => openBlob(wrong, ID, blob), BugError, "bug");
    assertThrows(() => unsafeSealBlobWithSalt(vaultKey, ID, CONTENT, wrong), BugError, "bug");
  }
});
