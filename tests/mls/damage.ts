/**
 * Bytes that were damaged on their way: a bit flipped, cut, lengthened.
 *
 * @module
 */

import fc from "fast-check";
import { flipBit } from "../protocol/pipe.ts";
import { assertFails } from "./people.ts";

/** How often a bit is flipped: each costs about a signature. */
const FLIPS = 60;

/**
 * Asserts that bytes are refused with any bit flipped, cut or lengthened.
 *
 * @param read takes the bytes.
 * @param assertRefused asserts that a reading fails; by default that it does with `mls-invalid`.
 */
export async function assertDamageRefused(
  bytes: Uint8Array,
  read: (damaged: Uint8Array) => Promise<unknown>,
  assertRefused: (reading: () => Promise<unknown>) => Promise<unknown> = (reading) =>
    assertFails("mls-invalid", reading),
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
      await assertRefused(() => read(flipBit(bytes, bit)));
    }),
    { numRuns: FLIPS },
  );
  for (const other of [bytes.subarray(1), bytes.subarray(0, -1), Uint8Array.of(...bytes, 0)]) {
    await assertFails("mls-invalid", () => read(other));
  }
}
