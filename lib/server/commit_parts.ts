/**
 * The commits of sealed rooms as their members are given them: messages with parts of the bytes,
 * encoded once for all members, as far as the memory for that goes.
 *
 * @module
 */

import { encodeServerMessage } from "../protocol/messages.ts";
import { encodeParts } from "../protocol/parts.ts";

/** Bytes of encoded commits that are kept: three of the largest, or those of a busy minute. */
const MAX_CACHED_BYTES = 16 * 1024 * 1024;

/** The bytes of the commit that an entry stands for; undefined if it stands for none. */
export type FindCommit = (room: string, seq: number) => Uint8Array | undefined;

/** See the module's description. */
export class CommitParts {
  readonly #find: FindCommit;
  readonly #maxBytes: number;
  /** The least recently used first. */
  readonly #cached = new Map<string, readonly Uint8Array[]>();
  #bytes = 0;

  constructor(find: FindCommit, maxBytes = MAX_CACHED_BYTES) {
    this.#find = find;
    this.#maxBytes = maxBytes;
  }

  /** The messages before an entry: none, unless it is a commit. Throws what the search does. */
  of(room: string, seq: number): readonly Uint8Array[] {
    const key = `${room}/${seq}`;
    const parts = this.#take(key) ?? this.#encode(room, seq);
    if (parts.length > 0) this.#keep(key, parts);
    return parts;
  }

  #encode(room: string, seq: number): readonly Uint8Array[] {
    const commit = this.#find(room, seq);
    if (commit === undefined) return [];
    return Array.from(
      encodeParts(commit),
      (data) => encodeServerMessage({ type: "commit_part", room, data }),
    );
  }

  #take(key: string): readonly Uint8Array[] | undefined {
    const parts = this.#cached.get(key);
    if (parts !== undefined && this.#cached.delete(key)) this.#bytes -= sizeOf(parts);
    return parts;
  }

  #keep(key: string, parts: readonly Uint8Array[]): void {
    this.#cached.set(key, parts);
    this.#bytes += sizeOf(parts);
    for (const oldest of this.#cached.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#take(oldest);
    }
  }
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
