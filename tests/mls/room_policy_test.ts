/**
 * A room's policy has one form, and nothing else passes for one.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeBase64url } from "../../lib/base64url.ts";
import { createIdentity } from "../../lib/mls/identity.ts";
import { decodePolicy, encodePolicy, type RoomPolicy } from "../../lib/mls/room_policy.ts";
import { assertFails } from "./people.ts";

const admins = [createIdentity().publicKey, createIdentity().publicKey];
const room: RoomPolicy = { room: "ops", kind: "room", admins };
const direct: RoomPolicy = { room: "dm-1", kind: "direct", admins, peers: ["alice", "Bob"] };

Deno.test("a policy comes back as it was", () => {
  for (const policy of [room, direct]) {
    assert.deepEqual(decodePolicy(encodePolicy(policy)), policy);
  }
});

Deno.test("a policy is canonical JSON", () => {
  const keys = admins.map((key) => JSON.stringify(encodeBase64url(key))).join();
  const text = new TextDecoder().decode(encodePolicy(direct));
  assert.equal(
    text,
    `{"room":"dm-1","kind":"direct","admins":[${keys}],"peers":["alice","Bob"]}`,
  );
});

Deno.test("a policy in another form, or of what cannot be, is refused", async () => {
  const key = JSON.stringify(encodeBase64url(admins[0]!));
  for (
    const text of [
      ...["", "{}", "null", "[]", '{"room":"ops"}'],
      `{"room":"ops", "kind":"room","admins":[${key}]}`,
      `{"kind":"room","room":"ops","admins":[${key}]}`,
      `{"room":"ops","kind":"room","admins":[]}`,
      `{"room":"ops","kind":"room","admins":[${key},${key}]}`,
      `{"room":"ops","kind":"room","admins":["AAAA"]}`,
      `{"room":"ops","kind":"room","admins":[${key}],"peers":["a","b"]}`,
      `{"room":"ops","kind":"direct","admins":[${key}]}`,
      `{"room":"ops","kind":"direct","admins":[${key}],"peers":["a","A"]}`,
      `{"room":"ops","kind":"direct","admins":[${key}],"peers":["a","b","c"]}`,
      `{"room":"Ops","kind":"room","admins":[${key}]}`,
      `{"room":"ops","kind":"open","admins":[${key}]}`,
      `{"room":"ops","kind":"room","admins":[${key}],"more":1}`,
      `\ufeff{"room":"ops","kind":"room","admins":[${key}]}`,
    ]
  ) {
    await assertFails("mls-invalid", () => decodePolicy(new TextEncoder().encode(text)));
  }
});

Deno.test("random bytes as a policy give a typed error", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await assertFails("mls-invalid", () => decodePolicy(bytes));
    }),
    { numRuns: 200 },
  );
});
