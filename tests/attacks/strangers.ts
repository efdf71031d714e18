/**
 * Peers that never log in: what they say, and how they come back. All of it is the same in every
 * run.
 *
 * @module
 */

import { ml_kem768_x25519 as xWing } from "@noble/post-quantum/hybrid.js";
import { encodeFrames, writeAll } from "../../lib/framing.ts";
import { KEM_PUBLIC_KEY_BYTES } from "../../lib/protocol/handshake.ts";
import { concat } from "./proxy.ts";

const MAGIC = new TextEncoder().encode("fernchat\0\x01");

/** A hello as a client says it, and may say again: the server cannot know. */
const HELLO = hello(xWing.keygen().publicKey);

/** Numbers that look random: xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
export class Noise {
  #state: number;

  /** `seed` is a 32-bit number other than 0. */
  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0, below `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}

/** Half a handshake: the beginning of a hello, some bytes at least, and never all of it. */
export function halfHello(noise: Noise): Uint8Array {
  return HELLO.subarray(0, 1 + noise.below(HELLO.length - 1));
}

/** Garbage at each layer that a stranger reaches; the last costs the server a whole handshake. */
const GARBAGE: readonly ((noise: Noise) => Uint8Array)[] = [
  (noise) => noise.bytes(4 + noise.below(4_096)),
  (noise) => encodeFrames([noise.bytes(noise.below(2_048))]),
  (noise) => hello(noise.bytes(KEM_PUBLIC_KEY_BYTES)),
  (noise) => concat([HELLO, encodeFrames([noise.bytes(17 + noise.below(1_024))])]),
];

/** Something that is not Fernchat, or not for long. */
export function garbage(noise: Noise): Uint8Array {
  return noise.one(GARBAGE)(noise);
}

/** Connects, says something, and reads until the server closes. */
export async function visit(port: number, bytes: Uint8Array): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    await writeAll(connection, bytes);
    const chunk = new Uint8Array(2_048);
    while (await connection.read(chunk) !== null);
  } catch {
    // A reset: it was closed with something unread.
  }
  connection.close();
}

function hello(publicKey: Uint8Array): Uint8Array {
  return encodeFrames([concat([MAGIC, publicKey])]);
}
