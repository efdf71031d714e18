/**
 * Frames: the reader of a stream and the decoder of a buffer see the same frames and the same fault,
 * however the stream is cut.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { PeerError } from "../../lib/errors.ts";
import { decodeFrames, encodeFrames, FrameReader } from "../../lib/framing.ts";
import { fault, hex } from "../protocol/pipe.ts";
import { inPieces } from "./chunked.ts";

const MAX = 64;

const payloads = fc.array(fc.uint8Array({ maxLength: MAX }), { maxLength: 8 });
const sizes = fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 8 });

/** Whole frames, or frames with a cut or another end, or with lengths that are too large. */
const streams = fc.oneof(
  payloads.map(encodeFrames),
  fc.tuple(payloads, fc.nat(200)).map(([all, end]) => encodeFrames(all).subarray(0, end)),
  fc.tuple(payloads, fc.uint8Array({ maxLength: 12 })).map(([all, end]) =>
    Uint8Array.of(...encodeFrames(all), ...end)
  ),
  payloads.map((all) => encodeFrames([...all, new Uint8Array(MAX + 1), new Uint8Array(1)])),
);

/** Frames in hex, and what is wrong behind them. */
interface Seen {
  frames: string[];
  fault: string | undefined;
}

async function readAll(bytes: Uint8Array, pieces: readonly number[]): Promise<Seen> {
  const reader = new FrameReader(inPieces(bytes, pieces), MAX);
  const frames: string[] = [];
  try {
    for (let frame = await reader.next(); frame !== null; frame = await reader.next()) {
      frames.push(hex(frame));
    }
    return { frames, fault: undefined };
  } catch (error) {
    assert.ok(error instanceof PeerError, `not a PeerError: ${error}`);
    return { frames, fault: error.code };
  }
}

/** What PROTOCOL.md says of the bytes, read from their start by the book. */
function expected(bytes: Uint8Array): Seen {
  const frames: string[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    if (rest.length < 4) return { frames, fault: "frame-truncated" };
    const length = new DataView(rest.buffer, rest.byteOffset).getUint32(0);
    if (length > MAX) return { frames, fault: "frame-too-large" };
    if (rest.length < 4 + length) return { frames, fault: "frame-truncated" };
    frames.push(hex(rest.subarray(4, 4 + length)));
    rest = rest.subarray(4 + length);
  }
  return { frames, fault: undefined };
}

Deno.test("decodeFrames() gives back any payloads that encodeFrames() took", () => {
  fc.assert(fc.property(payloads, (sent) => {
    assert.deepEqual(decodeFrames(encodeFrames(sent)).map(hex), sent.map(hex));
  }));
});

Deno.test("FrameReader sees the frames and the fault of any stream, however it is cut", async () => {
  const check = async (bytes: Uint8Array, pieces: number[]): Promise<void> => {
    assert.deepEqual(await readAll(bytes, pieces), expected(bytes));
  };
  await fc.assert(fc.asyncProperty(streams, sizes, check), { numRuns: 1000 });
});

Deno.test("decodeFrames() takes what FrameReader reads without a fault, and refuses the rest", () => {
  fc.assert(
    fc.property(streams, (bytes) => {
      const { frames, fault: wrong } = expected(bytes);
      fc.pre(wrong !== "frame-too-large"); // a buffer has its own size for a limit
      if (wrong === undefined) assert.deepEqual(decodeFrames(bytes).map(hex), frames);
      else assert.throws(() => decodeFrames(bytes), fault("frame-truncated"));
    }),
    { numRuns: 1000 },
  );
});
