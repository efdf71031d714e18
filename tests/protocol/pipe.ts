/**
 * What the protocol's tests share: a byte stream between two ends in memory, channels over it, and
 * the check that an error is of one class. No clocks: whatever waits, waits for the other end.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { PeerError, type PeerFault } from "../../lib/errors.ts";
import { type ByteStream, type ChannelOptions, SecureChannel } from "../../lib/protocol/channel.ts";
import {
  clientHandshake,
  type HandshakeResult,
  serverHandshake,
} from "../../lib/protocol/handshake.ts";

/** How a pipe carries bytes. */
export interface PipeOptions {
  /** The most bytes that one read gives; 1 for byte by byte. */
  maxRead?: number;
  /** The most bytes that one write takes. */
  maxWrite?: number;
  /** Bytes on their way in one direction; above it, writes wait for the reader. */
  capacity?: number;
}

/** One direction. */
class Lane {
  readonly #options: PipeOptions;
  #bytes: Uint8Array = new Uint8Array();
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(options: PipeOptions) {
    this.#options = options;
  }

  async put(bytes: Uint8Array): Promise<void> {
    while (this.#bytes.length >= (this.#options.capacity ?? Infinity) && !this.#ended) {
      await this.#changed.promise;
    }
    if (this.#ended) throw new Deno.errors.BrokenPipe("the other end is closed");
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    this.#notify();
  }

  async take(into: Uint8Array): Promise<number | null> {
    while (this.#bytes.length === 0 && !this.#ended) await this.#changed.promise;
    if (this.#bytes.length === 0) return null;
    const limit = Math.min(into.length, this.#options.maxRead ?? Infinity);
    const taken = this.#bytes.subarray(0, limit);
    into.set(taken);
    this.#bytes = this.#bytes.subarray(taken.length);
    this.#notify();
    return taken.length;
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** One end of a pipe. */
export class PipeEnd implements ByteStream {
  /** Each write of this end, as it was given. */
  readonly writes: Uint8Array[] = [];
  /** What travels in place of a write: the hand of a man in the middle. */
  tamper: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  closed = false;
  readonly #in: Lane;
  readonly #out: Lane;
  readonly #maxWrite: number;

  constructor(incoming: Lane, outgoing: Lane, maxWrite: number) {
    this.#in = incoming;
    this.#out = outgoing;
    this.#maxWrite = maxWrite;
  }

  async read(into: Uint8Array): Promise<number | null> {
    const count = await this.#in.take(into);
    if (this.closed) throw new Deno.errors.BadResource("this end is closed");
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.closed) throw new Deno.errors.BadResource("this end is closed");
    const taken = bytes.slice(0, this.#maxWrite);
    this.writes.push(taken);
    await this.#out.put(this.tamper(taken));
    return taken.length;
  }

  /** Ends this end's writing alone: the other end can still write. */
  endWrites(): void {
    this.#out.end();
  }

  /** What was written can still be read by the other end; then its stream ends. */
  close(): void {
    this.closed = true;
    this.#in.end();
    this.#out.end();
  }
}

/** Two ends of one byte stream. */
export function createPipe(options: PipeOptions = {}): { client: PipeEnd; server: PipeEnd } {
  const [up, down] = [new Lane(options), new Lane(options)];
  const maxWrite = options.maxWrite ?? Infinity;
  return {
    client: new PipeEnd(down, up, maxWrite),
    server: new PipeEnd(up, down, maxWrite),
  };
}

/** Two ends after a handshake, with the channels over them. */
export interface Channels {
  pipe: { client: PipeEnd; server: PipeEnd };
  handshakes: { client: HandshakeResult; server: HandshakeResult };
  client: SecureChannel;
  server: SecureChannel;
}

/** Shakes hands over a new pipe. */
export async function openChannels(
  pipeOptions: PipeOptions = {},
  channelOptions: ChannelOptions = {},
): Promise<Channels> {
  const pipe = createPipe(pipeOptions);
  const [client, server] = await Promise.all([
    clientHandshake(pipe.client),
    serverHandshake(pipe.server),
  ]);
  pipe.client.writes.length = 0;
  pipe.server.writes.length = 0;
  return {
    pipe,
    handshakes: { client, server },
    client: new SecureChannel("client", pipe.client, client, channelOptions),
    server: new SecureChannel("server", pipe.server, server, channelOptions),
  };
}

/** For `assert.throws` and `assert.rejects`: the peer's fault of one class. */
export function fault(code: PeerFault): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof PeerError, `not a PeerError: ${error}`);
    assert.equal(error.code, code);
    return true;
  };
}

/** Bytes of hexadecimal digits. */
export function unhex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** Hexadecimal digits of bytes: they compare by value, and read well where they differ. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** Bytes of a text. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The bytes with one bit flipped. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  return bytes.map((byte, at) => at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte);
}
