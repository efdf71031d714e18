/**
 * A real TCP proxy on loopback, for attacks on the wire: it sees the stream as frames (a 32-bit
 * length, then that many bytes), records them, and may put anything in the place of each.
 *
 * @module
 */

import { writeAll } from "../../lib/framing.ts";

/** Which way bytes travel. */
export type Direction = "toServer" | "toClient";

/**
 * What travels in the place of a frame: nothing drops it, two duplicate it. `frame` has its length
 * prefix; `number` counts the frames of this direction from 0, and the hello is number 0.
 */
export type Alter = (frame: Uint8Array, number: number, link: Link) => Uint8Array[];

/** The attack on each direction. It may be set while connections are open. */
export type Hooks = { [direction in Direction]?: Alter };

/** One proxied connection. */
export class Link {
  /** Frames as they came from their senders. */
  readonly recorded: Record<Direction, Uint8Array[]> = { toServer: [], toClient: [] };
  /** Bytes as they were sent on. */
  readonly forwarded: Record<Direction, Uint8Array[]> = { toServer: [], toClient: [] };
  readonly #hooks: Hooks;
  readonly #ends: Record<Direction, Deno.TcpConn>;
  readonly #writes: Record<Direction, Promise<void>>;
  readonly #ended = new Set<Direction>();
  /** Resolves when both directions have ended. */
  readonly closed: Promise<void>;

  constructor(client: Deno.TcpConn, server: Deno.TcpConn, hooks: Hooks) {
    this.#hooks = hooks;
    this.#ends = { toServer: server, toClient: client };
    this.#writes = { toServer: Promise.resolve(), toClient: Promise.resolve() };
    this.closed = Promise.all([this.#pump("toServer", client), this.#pump("toClient", server)])
      .then(() => this.cut());
  }

  /** Whether both directions have ended. */
  get isClosed(): boolean {
    return this.#ended.size === 2;
  }

  /** Sends bytes on, after those that are on their way. */
  send(direction: Direction, bytes: Uint8Array): Promise<void> {
    const write = this.#writes[direction].then(async () => {
      if (this.#ended.has(direction)) return;
      this.forwarded[direction].push(bytes);
      await writeAll(this.#ends[direction], bytes);
    }).catch(() => {}); // whoever closed meanwhile does not get it
    this.#writes[direction] = write;
    return write;
  }

  /** Ends one direction after what is on its way: its receiver reads to the end of the stream. */
  end(direction: Direction): Promise<void> {
    const end = this.#writes[direction].then(async () => {
      if (this.#ended.has(direction)) return;
      this.#ended.add(direction);
      await this.#ends[direction].closeWrite();
    }).catch(() => {});
    this.#writes[direction] = end;
    return end;
  }

  /** Closes both ends at once. */
  cut(): void {
    for (const direction of ["toServer", "toClient"] as const) {
      this.#ended.add(direction);
      closeQuietly(this.#ends[direction]);
    }
  }

  async #pump(direction: Direction, source: Deno.TcpConn): Promise<void> {
    const chunk = new Uint8Array(16 * 1024);
    let waiting = new Uint8Array();
    for (;;) {
      const count = await source.read(chunk).catch(() => null);
      if (count === null) break;
      waiting = concat([waiting, chunk.subarray(0, count)]);
      for (let size = frameSize(waiting); size <= waiting.length; size = frameSize(waiting)) {
        this.#forward(direction, waiting.slice(0, size));
        waiting = waiting.slice(size);
      }
    }
    if (waiting.length > 0) await this.send(direction, waiting);
    await this.end(direction);
  }

  #forward(direction: Direction, frame: Uint8Array): void {
    const number = this.recorded[direction].push(frame) - 1;
    const alter = this.#hooks[direction];
    const altered = alter === undefined ? [frame] : alter(frame, number, this);
    for (const bytes of altered) this.send(direction, bytes);
  }
}

/** See the module's description. */
export class Proxy implements AsyncDisposable {
  readonly hooks: Hooks;
  readonly links: Link[] = [];
  readonly #listener: Deno.TcpListener;
  /** The port of this machine that new connections go to. */
  target: number;
  readonly #accepting: Promise<void>;

  /** Listens on a free port and connects each connection to `target`, a port of this machine. */
  constructor(target: number, hooks: Hooks = {}) {
    this.target = target;
    this.hooks = hooks;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** The connection that was made last. */
  get link(): Link {
    return this.links.at(-1) as Link;
  }

  /** Everything that came, both directions of all connections. */
  get recorded(): Uint8Array {
    return concat(
      this.links.flatMap(({ recorded }) => [...recorded.toServer, ...recorded.toClient]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const link of this.links) link.cut();
    await Promise.all(this.links.map((link) => link.closed));
  }

  #reach(): Promise<Deno.TcpConn> {
    return Deno.connect({ hostname: "127.0.0.1", port: this.target });
  }

  async #accept(): Promise<void> {
    for (;;) {
      const client = await this.#listener.accept().catch(() => undefined);
      if (client === undefined) return;
      const server = await this.#reach().catch(() => undefined);
      if (server === undefined) {
        client.close();
        continue;
      }
      for (const end of [client, server]) end.setNoDelay(true);
      this.links.push(new Link(client, server, this.hooks));
    }
  }
}

/** Arrays of bytes as one. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** A copy with one bit of one byte flipped; a negative `at` counts from the end. */
export function flipBit(bytes: Uint8Array, at: number): Uint8Array {
  const altered = bytes.slice();
  const index = at < 0 ? bytes.length + at : at;
  altered[index] = (altered[index] as number) ^ 1;
  return altered;
}

/** Bytes of the first frame with its prefix; Infinity while the prefix is not whole. */
function frameSize(bytes: Uint8Array): number {
  return bytes.length < 4
    ? Infinity
    : 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed already, which is what is wanted.
  }
}
