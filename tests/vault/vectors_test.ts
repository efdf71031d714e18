/**
 * Known answers of the vault and of sealed payloads: protocol.json, which Python computes a second
 * time (interop/protocol_python_test.ts).
 *
 * @module
 */

import assert from "node:assert/strict";
import { FernetKey } from "../../lib/fernet.ts";
import { publicKeyOf, sign, verify } from "../../lib/mls/ed25519.ts";
import {
  decodeSealedPayload,
  encodeSealedPayload,
  verifySealedPayload,
} from "../../lib/rooms/sealed_payload.ts";
import { openBlob, unsafeSealBlobWithSalt } from "../../lib/vault/blob.ts";
import { unsafeWrapWithSalt, unwrapVaultRing } from "../../lib/vault/vault_key.ts";
import { hex, unhex } from "../protocol/pipe.ts";
import vectors from "../testdata/protocol.json" with { type: "json" };

const { user, name, version, ...hexadecimal } = vectors.inputs.vault;
const [exportKey, vaultKey, wrapSalt, blobSalt, content] = [
  hexadecimal.exportKey,
  hexadecimal.vaultKey,
  hexadecimal.wrapSalt,
  hexadecimal.blobSalt,
  hexadecimal.content,
].map(unhex) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
const seed = unhex(vectors.inputs.deviceSeed);
const key = FernetKey.parse(vectors.inputs.fernetKey).digest();

Deno.test("the vault's key wraps to the known bytes, and they unwrap", () => {
  const { wrap } = vectors.outputs.vault;
  assert.equal(hex(unsafeWrapWithSalt(vaultKey, exportKey, user, wrapSalt)), wrap);
  assert.equal(hex(unwrapVaultRing(unhex(wrap), exportKey, user)), hexadecimal.vaultKey);
});

Deno.test("a blob seals to the known bytes, and they open", () => {
  const { blob } = vectors.outputs.vault;
  const id = { user, name, version };
  assert.equal(hex(unsafeSealBlobWithSalt(vaultKey, id, content, blobSalt)), blob);
  assert.equal(hex(openBlob(vaultKey, id, unhex(blob))), hexadecimal.content);
});

vectors.inputs.sealedPayloads.forEach((fields, at) => {
  const { room, sender, id, sent_at, text, epoch, after, head, saved, ...meaning } = fields;
  const envelope = { room, sender, id, sent_at };
  const { signed, plaintext } = vectors.outputs.sealedPayloads[at]!;
  const kind = Object.keys(meaning)[0] ?? "text";

  Deno.test(`a sealed payload with a ${kind} is the known text, and signs the known bytes`, () => {
    const said = { text, ...meaning } as Parameters<typeof encodeSealedPayload>[1];
    const proof = { epoch, after, head, saved, device: publicKeyOf(seed) };
    const signing = (message: Uint8Array): Uint8Array => {
      assert.equal(hex(message), signed);
      return sign(seed, message);
    };
    assert.equal(encodeSealedPayload(envelope, said, proof, key, signing), plaintext);
    const payload = decodeSealedPayload(envelope, plaintext);
    assert.deepEqual(payload.content, said);
    verifySealedPayload(envelope, payload, key, verify);
  });
});
