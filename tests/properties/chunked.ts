/**
 * Bytes as a stream gives them: in pieces, never more at a time than somebody chose.
 *
 * @module
 */

import type { ByteSource } from "../../lib/framing.ts";
import type { ByteStream } from "../../lib/protocol/channel.ts";

/** A stream of these bytes, in pieces of the given sizes over and over; then its end. */
export function inPieces(bytes: Uint8Array, sizes: readonly number[]): ByteSource {
  let offset = 0;
  let reads = 0;
  return {
    read(into): Promise<number | null> {
      if (offset === bytes.length) return Promise.resolve(null);
      const size = sizes[reads++ % sizes.length] as number;
      const piece = bytes.subarray(offset, offset + Math.min(size, into.length));
      into.set(piece);
      offset += piece.length;
      return Promise.resolve(piece.length);
    },
  };
}

/** A stream that has these bytes for its reader, and swallows what is written. */
export function streamOf(bytes: Uint8Array, sizes: readonly number[] = [4096]): ByteStream {
  return {
    ...inPieces(bytes, sizes),
    write: (written) => Promise.resolve(written.length),
    close: () => {},
  };
}
