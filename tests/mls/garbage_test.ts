/**
 * Bytes that are nothing, given to everything that reads bytes: typed errors only.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { FernchatError } from "../../lib/errors.ts";
import { Group } from "../../lib/mls/group.ts";
import { readKeyPackage } from "../../lib/mls/key_package.ts";
import { flipBit } from "../protocol/pipe.ts";
import { assertFails, commit, devices, room } from "./people.ts";

const [alice, bob] = await devices("alice", "bob");
const [group] = await room(alice, bob);
const made = await group.commit({ removeLeaves: [1], add: [] });
const { welcome } = await made.next.commit({ add: [bob.package] });

/** Each reader with something that it reads. */
const READERS: { readonly [name: string]: [Uint8Array, (bytes: Uint8Array) => unknown] } = {
  "a commit": [made.commit, (bytes) => group.process(bytes)],
  "a welcome": [welcome!, (bytes) => Group.join(bob.keys, bytes, [bob.own])],
  "a key package": [alice.own.public, readKeyPackage],
  "a group's state": [group.encode(), Group.decode],
};

for (const [name, [whole, read]] of Object.entries(READERS)) {
  Deno.test(`random bytes as ${name} give a typed error, also where it begins as one`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(200), fc.uint8Array({ maxLength: 400 }), async (start, bytes) => {
        const begun = Uint8Array.of(...whole.subarray(0, start), ...bytes);
        for (const tried of [bytes, begun]) await assertFails("mls-invalid", () => read(tried));
      }),
      { numRuns: 100 },
    );
    for (const tried of [new Uint8Array(), new Uint8Array(9 * 1024 * 1024)]) {
      await assertFails("mls-invalid", () => read(tried));
    }
  });
}

Deno.test("a damaged state is refused or read, and what is done with it fails with typed errors", async () => {
  const state = group.encode();
  await fc.assert(
    fc.asyncProperty(fc.nat(state.length * 8 - 1), async (bit) => {
      try {
        await commit([Group.decode(flipBit(state, bit))], 0, {});
      } catch (error) {
        assert.ok(error instanceof FernchatError, String(error));
      }
    }),
    { numRuns: 60 },
  );
});
