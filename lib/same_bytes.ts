/**
 * When two values are the same bytes.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Whether two values are the same bytes. For public values: the time tells where they differ. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
