/**
 * Someone who tries names and passwords and otherwise keeps to the protocol, from an address of
 * loopback that the test chooses. A login's first message is the attempt: a guesser learns from its
 * answer alone whether the password was right.
 *
 * @module
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { clientLoginStart, opaqueReady } from "../../lib/auth/opaque.ts";
import { type ByteStream, SecureChannel } from "../../lib/protocol/channel.ts";
import { clientHandshake } from "../../lib/protocol/handshake.ts";
import {
  decodeServerMessage,
  encodeClientMessage,
  type ServerMessage,
} from "../../lib/protocol/messages.ts";

await opaqueReady;

/** Addresses that all lead to this machine, and that a server takes for different peers. */
export const HOME = "127.0.0.1";
export const ELSEWHERE = "127.0.0.2";
export const FAR_AWAY = "127.0.0.3";

/** See the module's description. */
export class Guesser implements Disposable {
  readonly channel: SecureChannel;
  readonly #stream: ByteStream;

  private constructor(stream: ByteStream, channel: SecureChannel) {
    this.#stream = stream;
    this.channel = channel;
  }

  /** Connects from an address and shakes hands. */
  static async come(port: number, from = HOME): Promise<Guesser> {
    const stream = await SocketStream.connect(port, from);
    return new Guesser(stream, new SecureChannel("client", stream, await clientHandshake(stream)));
  }

  /** Sends an attempt. */
  async ask(username: string, password = "a guess"): Promise<void> {
    const { ke1 } = clientLoginStart(username, password);
    this.channel.send(encodeClientMessage({ type: "login_start", username, ke1 }));
    await this.channel.flush();
  }

  /** The server's next message. */
  async hear(): Promise<ServerMessage> {
    const encoded = await this.channel.receive();
    assert.ok(encoded !== null, "the server closed the connection");
    return decodeServerMessage(encoded);
  }

  /** Makes an attempt: what came is the type of the answer, or an error's code. */
  async guess(username: string, password?: string): Promise<string> {
    await this.ask(username, password);
    const answer = await this.hear();
    return answer.type === "error" ? answer.code : answer.type;
  }

  /** Cuts the connection, if it is still there. */
  [Symbol.dispose](): void {
    this.#stream.close();
  }
}

/** A connection whose own address can be chosen, which `Deno.connect` cannot do. */
class SocketStream implements ByteStream {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  static async connect(port: number, localAddress: string): Promise<SocketStream> {
    const socket = connect({ host: HOME, port, localAddress, noDelay: true });
    await once(socket, "connect");
    return new SocketStream(socket);
  }

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#rest.length === 0) {
      const { value, done } = await this.#chunks.next();
      if (done) return null;
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, into.length);
    into.set(taken);
    this.#rest = this.#rest.subarray(taken.length);
    return taken.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length))
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}
