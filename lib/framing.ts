/**
 * Length-prefixed frames over any byte stream: a 32-bit big-endian length, then that many bytes.
 * Frames know nothing of what they carry.
 *
 * @module
 */

import { PeerError } from "./errors.ts";

/** Where bytes come from: `Deno.Conn` and files fit. Resolves to `null` at the end of the stream. */
export interface ByteSource {
  read(into: Uint8Array): Promise<number | null>;
}

/** Where bytes go to: `Deno.Conn` and files fit. May write fewer bytes than it was given. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<number>;
}

/** Bytes of the length prefix of a frame. */
export const FRAME_HEADER_BYTES = 4;

/**
 * Bytes read ahead for each stream. Most frames are below 1 KiB, and thousands of idle connections
 * hold one buffer each; what is larger is read straight into its own frame.
 */
const READ_AHEAD_BYTES = 8 * 1024;

/** The header of a frame whose payload has `length` bytes. */
export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  new DataView(header.buffer).setUint32(0, length);
  return header;
}

/**
 * Payloads as consecutive frames in one buffer, so that one write carries them all.
 *
 * @example
 * ```ts
 * import { encodeFrames } from "./framing.ts";
 * console.assert(encodeFrames([Uint8Array.of(7)]).join() === "0,0,0,1,7");
 * ```
 */
export function encodeFrames(payloads: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const payload of payloads) size += FRAME_HEADER_BYTES + payload.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let offset = 0;
  for (const payload of payloads) {
    view.setUint32(offset, payload.length);
    bytes.set(payload, offset + FRAME_HEADER_BYTES);
    offset += FRAME_HEADER_BYTES + payload.length;
  }
  return bytes;
}

/**
 * The payloads of a buffer that holds whole frames and nothing else, as views into it.
 *
 * @throws {PeerError} `frame-truncated` if the last frame is not whole.
 */
export function decodeFrames(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const payloads: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const start = offset + FRAME_HEADER_BYTES;
    const end = start <= bytes.length ? start + view.getUint32(offset) : Infinity;
    if (end > bytes.length) throw new PeerError("frame-truncated", "A frame ends too early");
    payloads.push(bytes.subarray(start, end));
    offset = end;
  }
  return payloads;
}

/** Writes all of `bytes`, however many calls that takes. */
export async function writeAll(sink: ByteSink, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const count = await sink.write(bytes.subarray(written));
    if (count === 0) throw new RangeError("the sink takes no bytes");
    written += count;
  }
}

/** Reads frames from a byte stream, one after another. Not for concurrent use. */
export class FrameReader {
  /**
   * The largest payload that is accepted, in bytes. It is checked before anything is allocated; it
   * may change between frames, since a peer that has logged in may send more than a stranger.
   */
  maxBytes: number;
  readonly #source: ByteSource;
  readonly #ahead = new Uint8Array(READ_AHEAD_BYTES);
  #start = 0;
  #end = 0;

  constructor(source: ByteSource, maxBytes: number) {
    this.#source = source;
    this.maxBytes = maxBytes;
  }

  /**
   * The next frame's payload, or `null` if the stream ended cleanly between two frames.
   *
   * @throws {PeerError} `frame-truncated` if the stream ended inside a frame, `frame-too-large` if
   * the length is above {@linkcode maxBytes}, `connection-cut` if the stream failed.
   */
  async next(): Promise<Uint8Array | null> {
    while (this.#end - this.#start < FRAME_HEADER_BYTES) {
      if (!(await this.#readAhead())) {
        if (this.#end === this.#start) return null;
        throw truncated();
      }
    }
    const length = new DataView(this.#ahead.buffer).getUint32(this.#start);
    if (length > this.maxBytes) {
      throw new PeerError(
        "frame-too-large",
        `Cannot accept a frame of ${length} bytes: the limit is ${this.maxBytes}`,
      );
    }
    this.#start += FRAME_HEADER_BYTES;
    return await this.#payload(length);
  }

  async #payload(length: number): Promise<Uint8Array> {
    const payload = new Uint8Array(length);
    let filled = Math.min(length, this.#end - this.#start);
    payload.set(this.#ahead.subarray(this.#start, this.#start + filled));
    this.#start += filled;
    while (filled < length) {
      const count = await this.#read(payload.subarray(filled));
      if (count === null) throw truncated();
      filled += count;
    }
    return payload;
  }

  /** Reads more bytes behind those that wait; false at the end of the stream. */
  async #readAhead(): Promise<boolean> {
    this.#ahead.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
    const count = await this.#read(this.#ahead.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }

  async #read(into: Uint8Array): Promise<number | null> {
    try {
      return await this.#source.read(into);
    } catch (cause) {
      throw new PeerError("connection-cut", "The connection was cut", { cause });
    }
  }
}

function truncated(): PeerError {
  return new PeerError("frame-truncated", "The connection was cut inside a frame");
}
