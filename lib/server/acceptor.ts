/**
 * Accepts connections, each of which is a session of its own until its end (the acceptor of D. C.
 * Schmidt's pattern "Acceptor and Connector").
 *
 * @module
 */

import { describeError } from "../errors.ts";
import { addressGroup } from "./address_group.ts";
import { Admission } from "./admission.ts";
import { STOP_DEADLINE_MS } from "./limits.ts";
import { connections } from "./listener.ts";
import { Session } from "./session.ts";
import type { SessionContext } from "./session_context.ts";

/** See the module's description. */
export class Acceptor {
  readonly #listener: Deno.TcpListener;
  readonly #context: SessionContext;
  readonly #admission: Admission;
  /** Those that have not ended, each with its end. */
  readonly #sessions = new Map<Session, Promise<void>>();
  readonly #silenceCheck: ReturnType<typeof setInterval>;
  readonly #accepting: Promise<void>;

  /** Begins to accept. */
  constructor(listener: Deno.TcpListener, context: SessionContext) {
    const { limits, metrics } = context;
    this.#listener = listener;
    this.#context = context;
    this.#admission = new Admission(limits);
    this.#silenceCheck = setInterval(() => this.#checkSilence(), limits.silenceCheckMs);
    metrics.observeQueues(() => this.#queuedBytes());
    this.#accepting = this.#accept();
  }

  /** How many connections it serves. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** Accepts no more; resolves when the last that it accepted is among its connections. */
  async close(): Promise<void> {
    this.#listener.close();
    clearInterval(this.#silenceCheck);
    await this.#accepting;
  }

  /** Tells all clients that the server stops; resolves when they are gone, if need be cut off. */
  async stopSessions(): Promise<void> {
    const patience = setTimeout(() => {
      for (const session of this.#sessions.keys()) session.abort();
    }, STOP_DEADLINE_MS);
    const reason = "The server is stopping";
    await Promise.all([...this.#sessions.keys()].map((one) => one.stop("server-stopping", reason)));
    await Promise.all(this.#sessions.values());
    clearTimeout(patience);
  }

  async #accept(): Promise<void> {
    const onError = (error: unknown): void =>
      this.#context.bounded.error("cannot-accept", { reason: describeError(error) });
    for await (const connection of connections(this.#listener, onError)) this.#serve(connection);
  }

  #serve(connection: Deno.TcpConn): void {
    const { metrics, bounded } = this.#context;
    const { hostname, port } = connection.remoteAddr;
    const name = `${hostname}:${port}`;
    const group = addressGroup(hostname);
    const admitted = this.#admission.admit(group, () => session.evict());
    if ("refused" in admitted) {
      metrics.connectionRefused(admitted.refused);
      bounded.warn("connection-refused", { peer: name, reason: admitted.refused });
      return connection.close();
    }
    const { authenticated, leave } = admitted;
    const peer = { stream: connection, address: hostname, group, name, authenticated };
    const session = new Session(peer, this.#context);
    metrics.connectionOpened();
    const ended = session.run().finally(() => {
      leave();
      metrics.connectionClosed();
      this.#sessions.delete(session);
    });
    this.#sessions.set(session, ended);
  }

  #checkSilence(): void {
    const now = performance.now();
    for (const session of this.#sessions.keys()) session.checkSilence(now);
  }

  #queuedBytes(): number {
    return [...this.#sessions.keys()].reduce((sum, session) => sum + session.queuedBytes, 0);
  }
}
