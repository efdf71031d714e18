/**
 * A vault's key under a password: who can unwrap it, and what a change of the password changes.
 * OPAQUE is the real one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  clientLoginFinish,
  clientLoginStart,
  clientRegisterFinish,
  clientRegisterStart,
  createServerSetup,
  opaqueReady,
  serverLoginStart,
  serverRegister,
} from "../../lib/auth/opaque.ts";
import { changePassword } from "../../lib/client/login.ts";
import { BugError, PeerError } from "../../lib/errors.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import {
  type ClientMessage,
  decodeClientMessage,
  encodeServerMessage,
} from "../../lib/protocol/messages.ts";
import { openBlob, sealBlob } from "../../lib/vault/blob.ts";
import {
  createVaultKey,
  keysOf,
  MAX_VAULT_KEYS,
  renewRing,
  unwrapVaultRing,
  wrapVaultRing,
} from "../../lib/vault/vault_key.ts";
import { assertThrows } from "../attacks/server.ts";
import { flipBit, hex, openChannels, utf8 } from "../protocol/pipe.ts";

await opaqueReady;
const setup = createServerSetup();
const vaultKey = createVaultKey();
const exportKey = crypto.getRandomValues(new Uint8Array(64));
const wrap = wrapVaultRing(vaultKey, exportKey, "alice");

function refuses(bytes: Uint8Array, key: Uint8Array = exportKey, user = "alice"): void {
  assertThrows(() => unwrapVaultRing(bytes, key, user), PeerError, "vault-invalid");
}

/** What a login with this password gives. */
function exportKeyAtLogin(record: string, password: string): Uint8Array {
  const { pending, ke1 } = clientLoginStart("alice", password, "random");
  const keys = clientLoginFinish(pending, serverLoginStart(setup, "alice", record, ke1).ke2);
  assert.ok(keys !== undefined);
  return keys.exportKey;
}

/** A quick registration. */
function register(password: string): { record: string; exportKey: Uint8Array } {
  const { pending, request } = clientRegisterStart("alice", password, "random");
  return clientRegisterFinish(pending, serverRegister(setup, "alice", request));
}

Deno.test("unwrapVaultRing() gives the key again, for any spelling of the name", () => {
  for (const user of ["alice", "ALICE"]) {
    assert.equal(hex(unwrapVaultRing(wrap, exportKey, user)), hex(vaultKey));
  }
});

Deno.test("a wrap has 80 bytes, and no two are the same", () => {
  assert.equal(wrap.length, 80);
  assert.notEqual(hex(wrapVaultRing(vaultKey, exportKey, "alice")), hex(wrap));
});

Deno.test("two vaults' keys are not the same", () => {
  assert.equal(vaultKey.length, 32);
  assert.notEqual(hex(createVaultKey()), hex(vaultKey));
});

Deno.test("a wrap does not open with another password's key, or for another user", () => {
  for (let bit = 0; bit < 512; bit++) refuses(wrap, flipBit(exportKey, bit));
  for (const user of ["alic", "bob", ""]) refuses(wrap, exportKey, user);
});

Deno.test("a wrap with any bit flipped, cut anywhere or grown is refused", () => {
  for (let bit = 0; bit < wrap.length * 8; bit++) refuses(flipBit(wrap, bit));
  for (let size = 0; size < wrap.length; size++) refuses(wrap.subarray(0, size));
  refuses(Uint8Array.of(...wrap, 0));
});

Deno.test("a blob is no wrap, and a wrap no blob, whatever they are called", () => {
  const id = { user: "alice", name: "wrap", version: 1 };
  assertThrows(() => openBlob(vaultKey, id, wrap), PeerError, "vault-invalid");
  refuses(sealBlob(vaultKey, id, vaultKey));
});

Deno.test("keys of another length are bugs of ours", () => {
  for (const [key, password] of [[31, 64], [33, 64], [32, 63], [32, 65]] as const) {
    const act = (): unknown =>
      wrapVaultRing(new Uint8Array(key), new Uint8Array(password), "alice");
    assertThrows(act, BugError, "bug");
  }
  assertThrows(() => unwrapVaultRing(wrap, new Uint8Array(32), "alice"), BugError, "bug");
});

Deno.test("what a registration wraps, each login with its password unwraps, and no other's", () => {
  const first = register("a lamp");
  const wrapped = wrapVaultRing(vaultKey, first.exportKey, "alice");
  for (const _ of [1, 2]) {
    const key = exportKeyAtLogin(first.record, "a lamp");
    assert.equal(hex(unwrapVaultRing(wrapped, key, "alice")), hex(vaultKey));
  }
  const again = register("a lamp"); // as an operator's reset would, be it to the same password
  refuses(wrapped, again.exportKey);
  refuses(wrapped, exportKeyAtLogin(again.record, "a lamp"));
});

/** The server's side of a change of the password: what the client sends last. */
async function serveChange(
  channel: SecureChannel,
): Promise<Extract<ClientMessage, { type: "register_finish" }>> {
  const start = decodeClientMessage(await channel.receive() as Uint8Array);
  assert.ok(start.type === "register_start");
  const response = serverRegister(setup, "alice", start.request);
  channel.send(encodeServerMessage({ type: "register_response", response }));
  const finish = decodeClientMessage(await channel.receive() as Uint8Array);
  assert.ok(finish.type === "register_finish");
  channel.send(encodeServerMessage({ type: "registered" }));
  return finish;
}

Deno.test("a change of the password brings a new key; the one before stays beside it", async () => {
  const id = { user: "alice", name: "account", version: 3 };
  const blob = sealBlob(vaultKey, id, utf8("pins"));
  const { client, server } = await openChannels();
  const serving = serveChange(server);
  await changePassword(
    client,
    "alice",
    "a new lamp",
    (key) => {
      const moved = wrapVaultRing(renewRing(vaultKey), key, "alice");
      return { wrap: Buffer.from(moved).toString("base64url"), wrap_version: 1 };
    },
  );
  const { record, wrap: moved } = await serving;
  // Logins stretch a chosen password for a quarter of a second: one is enough.
  const { pending, ke1 } = clientLoginStart("alice", "a new lamp");
  const keys = clientLoginFinish(pending, serverLoginStart(setup, "alice", record, ke1).ke2);
  assert.ok(keys !== undefined && moved !== undefined);
  const wrapped = new Uint8Array(Buffer.from(moved, "base64url"));
  const [fresh, before] = keysOf(unwrapVaultRing(wrapped, keys.exportKey, "alice"));
  assert.equal(hex(openBlob(before as Uint8Array, id, blob)), hex(utf8("pins")));
  const later = sealBlob(fresh, id, utf8("more pins"));
  assertThrows(() => openBlob(vaultKey, id, later), PeerError, "vault-invalid"); // under the old
  refuses(wrapped, exportKey); // the old password's
  refuses(wrap, keys.exportKey);
});

Deno.test("without a vault, a change of the password sends no wrap", async () => {
  const { client, server } = await openChannels();
  const serving = serveChange(server);
  await changePassword(client, "alice", "a new lamp");
  assert.deepEqual(Object.keys(await serving), ["type", "record"]);
});

Deno.test("a ring has so many keys, each new one before the others, and then none is added", () => {
  let ring = vaultKey;
  for (let count = 2; count <= MAX_VAULT_KEYS; count += 1) {
    const next = renewRing(ring);
    assert.equal(hex(next.subarray(32)), hex(ring));
    ring = next;
  }
  assert.equal(renewRing(ring), ring);
  assert.equal(keysOf(ring).length, MAX_VAULT_KEYS);
  const wrapped = wrapVaultRing(ring, exportKey, "alice");
  assert.equal(hex(unwrapVaultRing(wrapped, exportKey, "alice")), hex(ring));
  assertThrows(() => wrapVaultRing(new Uint8Array(33 * 32), exportKey, "alice"), BugError, "bug");
});
