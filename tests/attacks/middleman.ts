/**
 * A man in the middle who speaks the protocol perfectly: one client, one server, two handshakes. He
 * reads everything up to the login, and passes on what he likes.
 *
 * @module
 */

import { SecureChannel } from "../../lib/protocol/channel.ts";
import { clientHandshake, serverHandshake } from "../../lib/protocol/handshake.ts";

/** One side of the man in the middle: a connection with a channel of its own. */
export interface Side {
  connection: Deno.TcpConn;
  channel: SecureChannel;
  /** The next frame, as it travelled. */
  nextFrame(): Promise<Uint8Array | null>;
}

/** See the module's description. */
export class Middleman implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections: Deno.TcpConn[] = [];
  /** Every message that he could read. */
  readonly read: string[] = [];

  get port(): number {
    return this.#listener.addr.port;
  }

  async meetClient(): Promise<Side> {
    const connection = await this.#listener.accept();
    this.#connections.push(connection);
    const handshake = await serverHandshake(connection);
    const channel = new SecureChannel("server", connection, handshake);
    return { connection, channel, nextFrame: () => handshake.reader.next() };
  }

  async meetServer(port: number): Promise<Side> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#connections.push(connection);
    const handshake = await clientHandshake(connection);
    const channel = new SecureChannel("client", connection, handshake);
    return { connection, channel, nextFrame: () => handshake.reader.next() };
  }

  /** Reads a message from one side and passes it on as it is. */
  async relay(from: Side, to: Side): Promise<Uint8Array> {
    const message = await from.channel.receive() as Uint8Array;
    this.read.push(new TextDecoder().decode(message));
    to.channel.send(message);
    await to.channel.flush();
    return message;
  }

  /** The whole login up to the client's proof, which is the last message that he can read. */
  async relayLogin(client: Side, server: Side): Promise<void> {
    await this.relay(client, server);
    await this.relay(server, client);
    await this.relay(client, server);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch {
        // The other side was faster.
      }
    }
  }
}
