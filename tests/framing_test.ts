/**
 * Frames: read whole, byte by byte and in any pieces; limits before allocation; a clean end and a
 * cut are different events.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ByteSource,
  decodeFrames,
  encodeFrames,
  frameHeader,
  FrameReader,
  writeAll,
} from "../lib/framing.ts";
import { createPipe, fault, hex, unhex } from "./protocol/pipe.ts";
import vectors from "./testdata/protocol.json" with { type: "json" };

const MAX = 40_000;

/** Payloads around the header's, the read-ahead's (8 KiB) and the limit's size. */
const sizes = [0, 1, 3, 4, 5, 8187, 8188, 8189, 8192, 20_000];
const payloads = sizes.map((size, at) => new Uint8Array(size).fill(at + 1));

/** A stream that gives its bytes in pieces of the given sizes, the last size over and over. */
function inPieces(bytes: Uint8Array, pieces: readonly number[] = [Infinity]): ByteSource {
  let offset = 0;
  let reads = 0;
  return {
    read(into): Promise<number | null> {
      if (offset === bytes.length) return Promise.resolve(null);
      const piece = pieces[Math.min(reads++, pieces.length - 1)]!;
      const part = bytes.subarray(offset, offset + Math.min(piece, into.length));
      into.set(part);
      offset += part.length;
      return Promise.resolve(part.length);
    },
  };
}

async function readAll(reader: FrameReader): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for (;;) {
    const frame = await reader.next();
    if (frame === null) return frames;
    frames.push(frame);
  }
}

async function roundTrip(sent: Uint8Array[], pieces: readonly number[]): Promise<void> {
  const frames = await readAll(new FrameReader(inPieces(encodeFrames(sent), pieces), MAX));
  assert.deepEqual(frames.map(hex), sent.map(hex));
}

Deno.test("FrameReader reads frames that arrive whole", async () => {
  await roundTrip(payloads, [Infinity]);
});

Deno.test("FrameReader reads frames that arrive byte by byte", async () => {
  await roundTrip(payloads, [1]);
});

Deno.test("FrameReader reads any frames that arrive in any pieces", async () => {
  const anyPayloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
  const anyPieces = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 });
  await fc.assert(fc.asyncProperty(anyPayloads, anyPieces, roundTrip), { numRuns: 300 });
});

Deno.test("FrameReader takes frames of its maximum −1 and 0, and refuses +1", async () => {
  for (const size of [MAX - 1, MAX]) {
    const reader = new FrameReader(inPieces(encodeFrames([new Uint8Array(size)])), MAX);
    assert.equal((await reader.next())?.length, size);
  }
  const reader = new FrameReader(inPieces(encodeFrames([new Uint8Array(MAX + 1)])), MAX);
  await assert.rejects(reader.next(), fault("frame-too-large"));
});

Deno.test("FrameReader obeys a maximum that changes between frames", async () => {
  const bytes = encodeFrames([new Uint8Array(10), new Uint8Array(11), new Uint8Array(11)]);
  const reader = new FrameReader(inPieces(bytes), 10);
  assert.equal((await reader.next())?.length, 10);
  reader.maxBytes = 11;
  assert.equal((await reader.next())?.length, 11);
  reader.maxBytes = 10;
  await assert.rejects(reader.next(), fault("frame-too-large"));
});

Deno.test("FrameReader refuses an announced 4 GiB before it reads or allocates any of it", async () => {
  const asked: number[] = [];
  const header = inPieces(frameHeader(2 ** 32 - 1));
  const source: ByteSource = {
    read(into): Promise<number | null> {
      asked.push(into.length);
      return header.read(into);
    },
  };
  await assert.rejects(new FrameReader(source, MAX).next(), fault("frame-too-large"));
  assert.deepEqual(asked, [8192]);
});

Deno.test("FrameReader tells a clean end from a cut anywhere in a header or a payload", async () => {
  const bytes = encodeFrames([Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)]);
  for (const pieces of [[Infinity], [1]]) {
    for (let cut = 0; cut < bytes.length; cut++) {
      const frames = readAll(new FrameReader(inPieces(bytes.subarray(0, cut), pieces), MAX));
      if (cut === 0 || cut === 6) assert.equal((await frames).length, cut / 6);
      else await assert.rejects(frames, fault("frame-truncated"));
    }
  }
});

Deno.test("FrameReader gives a failure of its stream as connection-cut, with the cause", async () => {
  const cause = new Deno.errors.ConnectionReset("reset");
  for (const before of [[], [0, 0], [0, 0, 0, 2, 7]]) {
    const start = inPieces(Uint8Array.from(before));
    const source: ByteSource = {
      read: async (into) => await start.read(into) ?? Promise.reject(cause),
    };
    await assert.rejects(new FrameReader(source, MAX).next(), (error: Error) => {
      assert.equal(error.cause, cause);
      return fault("connection-cut")(error);
    });
  }
});

Deno.test("a frame's payload is a copy that later reads leave alone", async () => {
  const sent = [Uint8Array.of(1, 1, 1), Uint8Array.of(2, 2, 2), new Uint8Array(9000).fill(3)];
  const frames = await readAll(new FrameReader(inPieces(encodeFrames(sent), [5]), MAX));
  assert.deepEqual(frames.map(hex), sent.map(hex));
  assert.ok(frames.every((frame) => frame.buffer.byteLength === frame.length));
});

Deno.test("writeAll writes everything to a sink that takes a byte at a time", async () => {
  const { client, server } = createPipe({ maxWrite: 1 });
  const bytes = encodeFrames(payloads.slice(0, 5));
  await writeAll(client, bytes);
  client.close();
  const frames = await readAll(new FrameReader(server, MAX));
  assert.equal(client.writes.length, bytes.length);
  assert.deepEqual(frames.map(hex), payloads.slice(0, 5).map(hex));
});

Deno.test("writeAll passes on what its sink throws", async () => {
  const { client, server } = createPipe();
  server.close();
  await assert.rejects(writeAll(client, Uint8Array.of(1)), Deno.errors.BrokenPipe);
});

Deno.test("encodeFrames and frameHeader write a length of 32 bits, big-endian", () => {
  assert.equal(hex(frameHeader(0x01020304)), "01020304");
  assert.equal(hex(frameHeader(2 ** 32 - 1)), "ffffffff");
  assert.equal(hex(encodeFrames([])), "");
  assert.equal(hex(encodeFrames([Uint8Array.of(), Uint8Array.of(7)])), "000000000000000107");
});

Deno.test("encodeFrames and decodeFrames give the vectors' bytes", () => {
  const { inputs, outputs } = vectors;
  assert.equal(hex(encodeFrames(inputs.frames.map(unhex))), outputs.frames);
  assert.deepEqual(decodeFrames(unhex(outputs.frames)).map(hex), inputs.frames);
});

Deno.test("whatever decodeFrames takes, encodeFrames gives back the same bytes", () => {
  const short = fc.uint8Array({ maxLength: 12 });
  const smallHeader = fc.tuple(fc.nat(12), short).map(([n, rest]) => [0, 0, 0, n, ...rest]);
  const chunks = fc.array(smallHeader, { maxLength: 4 }).map((all) => Uint8Array.from(all.flat()));
  let decoded = 0;
  const check = (bytes: Uint8Array): void => {
    const frames = tryDecode(bytes);
    if (frames === undefined) return;
    decoded += 1;
    assert.equal(hex(encodeFrames(frames)), hex(bytes));
  };
  fc.assert(fc.property(fc.oneof(chunks, short), check), { numRuns: 3000, seed: 1 });
  assert.ok(decoded > 300, `only ${decoded} were frames`);
});

Deno.test("decodeFrames works on a view into a larger buffer", () => {
  const buffer = Uint8Array.of(9, 9, 0, 0, 0, 1, 7, 9);
  assert.deepEqual(decodeFrames(buffer.subarray(2, 7)).map(hex), ["07"]);
});

Deno.test("decodeFrames refuses a last frame that is cut or announces 4 GiB", () => {
  const bytes = encodeFrames([Uint8Array.of(1, 2), Uint8Array.of(3, 4, 5)]);
  for (let cut = 1; cut < bytes.length; cut++) {
    if (cut === 6) continue;
    assert.throws(() => decodeFrames(bytes.subarray(0, cut)), fault("frame-truncated"));
  }
  const huge = Uint8Array.of(255, 255, 255, 255, 0);
  assert.throws(() => decodeFrames(huge), fault("frame-truncated"));
});

/** The frames in the bytes, or undefined if they are refused in the one way that is right. */
function tryDecode(bytes: Uint8Array): Uint8Array[] | undefined {
  try {
    return decodeFrames(bytes);
  } catch (error) {
    fault("frame-truncated")(error);
    return undefined;
  }
}
