/**
 * Bytes in parts: the same bytes come out, and a part has one form (PROTOCOL.md section 12.1).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { MAX_PART_CHARS } from "../../lib/protocol/limits.ts";
import { decodePart, encodeParts, PART_BYTES } from "../../lib/protocol/parts.ts";

for (const size of [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES]) {
  Deno.test(`parts: ${size} bytes come out as they went in, in as few as can be`, () => {
    const bytes = Uint8Array.from({ length: size }, (_, at) => at * 31);
    const parts = [...encodeParts(bytes)];
    assert.equal(parts.length, Math.ceil(size / PART_BYTES));
    assert.ok(parts.every(({ length }) => length <= MAX_PART_CHARS));
    assert.ok(Buffer.concat(parts.map(decodePart)).equals(bytes));
  });
}

for (const data of ["A", "AB", "AAB", "AA==", "AA AA", "+/+/", "AA\n", "é"]) {
  Deno.test(`parts: ${JSON.stringify(data)} is not what any bytes become`, () => {
    assert.throws(() => decodePart(data), { name: "PeerError", code: "message-invalid" });
  });
}
