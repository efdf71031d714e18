/**
 * One connection's life on the server: handshake, login, a visit, the end. A table says which
 * message may come in which state before the visit; whatever else a peer does ends its connection alone.
 *
 * @module
 */

import type { Invite } from "../auth/invites.ts";
import { describeError, PeerError } from "../errors.ts";
import { type ByteStream, SecureChannel } from "../protocol/channel.ts";
import { serverHandshake } from "../protocol/handshake.ts";
import { type ClientMessage, decodeClientMessage, type MessageOf } from "../protocol/messages.ts";
import { Authentication } from "./authentication.ts";
import { explain } from "./explain.ts";
import type { LogFields } from "./logger.ts";
import { Outbound } from "./outbound.ts";
import { Redemption } from "./redemption.ts";
import type { SessionContext } from "./session_context.ts";
import { isForVisit, untimely, Visit, type VisitMessage } from "./visit.ts";

/** A connection that was accepted. */
export interface Peer {
  stream: ByteStream;
  /** `HOST:PORT`, for the log. */
  name: string;
  /** Its IP address. */
  address: string;
  /** The same as it is counted. */
  group: string;
  /** It has logged in. */
  authenticated(): void;
}

/** What may come before a visit. */
type EarlyMessage = Exclude<ClientMessage, VisitMessage>;

type Handler<T extends EarlyMessage["type"]> = (
  session: Session,
  message: MessageOf<EarlyMessage, T>,
  encoded: Uint8Array,
) => void | Promise<void>;

/** Where a connection is: what it may send depends on it. */
type State = "stranger" | "proving" | "invited" | "visiting";

const HANDLERS: {
  [T in EarlyMessage["type"]]: { in: readonly State[]; run: Handler<T> };
} = {
  login_start: { in: ["stranger", "proving"], run: (s, m, e) => s.startLogin(m, e) },
  login_finish: { in: ["proving"], run: (s, m, e) => s.finishLogin(m, e) },
  create_start: { in: ["invited"], run: (s, m) => s.redemption?.start(m) },
  create_finish: { in: ["invited"], run: (s, m) => s.redemption?.finish(m) },
};

/** Faults after which the peer could not read, or not understand, a good-bye. */
const BEYOND_WORDS = ["connection-cut", "record-invalid"];

/** Milliseconds for the last words to a member who was silent already. */
const SILENT_FAREWELL_MS = 2_000;

/** See the module's description. */
export class Session {
  readonly #peer: Peer;
  readonly #context: SessionContext;
  readonly #authentication: Authentication;
  /** Aborted when nothing is worth waiting for any more. */
  readonly #over = new AbortController();
  #state: State = "stranger";
  #channel: SecureChannel | undefined;
  #outbound: Outbound | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #redemption: Redemption | undefined;
  #visit: Visit | undefined;
  /** When the server began to wait for the peer's next words. */
  #listeningSince: number | undefined;
  /** It is over, and that was noted. */
  #ended = false;

  constructor(peer: Peer, context: SessionContext) {
    this.#peer = peer;
    this.#context = context;
    const { loginsPerConnection } = context.limits;
    this.#authentication = new Authentication(context, peer.group, loginsPerConnection);
  }

  /** Serves the connection to its end. Never throws. */
  async run(): Promise<void> {
    let wasCut = true;
    try {
      await this.#converse();
      await this.#visit?.attendance.settled(); // its acks go before the close
      await this.#channel?.close();
      this.#noteEnd(undefined);
      wasCut = false;
    } catch (error) {
      const isNews = !this.#ended;
      this.#noteEnd(error);
      if (isNews) await this.#end(error).catch(() => this.abort());
    } finally {
      this.#over.abort();
      clearTimeout(this.#deadline);
      clearTimeout(this.#patience);
      this.#visit?.leave(wasCut);
      this.#channel?.abort(new PeerError("connection-cut", "The session is over"));
      if (this.#channel === undefined) this.abort();
    }
  }

  /**
   * Says good-bye with a reason and sends what waits. The connection ends when the client closes its
   * side: closing ours first could cost it the last words (a TCP reset drops what is on its way).
   */
  async stop(code: string, message: string): Promise<void> {
    this.#over.abort();
    // Between the two keys of a login nothing can be said that the client would understand.
    if (this.#outbound === undefined || this.#state === "proving") return this.abort();
    await this.#outbound.farewell(code, message);
  }

  /** Ends the connection without a word. */
  abort(): void {
    this.#over.abort();
    try {
      this.#peer.stream.close();
    } catch {
      // It was closed already, which is what is wanted.
    }
  }

  /** Ends the connection because its place is needed. */
  evict(): void {
    this.#noteEnd(new PeerError("connection-cut", "Its place was needed for another connection"));
    this.abort();
  }

  /** Ends the connection of a member that gives no sign. `now` is `performance.now()`. */
  checkSilence(now: number): void {
    if (this.#visit === undefined || this.#ended) return;
    const since = Math.min(this.#listeningSince ?? now, this.#channel?.writingSince ?? now);
    if (now - since <= this.#context.limits.silenceMs) return;
    const reason = new PeerError("deadline-missed", "Nothing was heard from you for too long");
    this.#dismiss(reason, SILENT_FAREWELL_MS);
  }

  /** What the peer does once it has proved the code of an invite. */
  get redemption(): Redemption | undefined {
    return this.#redemption;
  }

  /** Bytes that wait for the peer to read. */
  get queuedBytes(): number {
    return this.#channel?.queuedBytes ?? 0;
  }

  async #converse(): Promise<void> {
    const { limits, turns } = this.#context;
    this.#setDeadline(limits.handshakeMs, () => this.abort());
    const handshake = await serverHandshake(this.#peer.stream, { turn: () => turns.next() });
    const channel = new SecureChannel("server", this.#peer.stream, handshake, {
      maxQueuedBytes: Infinity, // the bound is Outbound's, which gives a reason
    });
    this.#channel = channel;
    this.#outbound = new Outbound(channel, limits, () => this.#tooSlow());
    this.#expectLogin();
    for (;;) {
      this.#listeningSince = performance.now();
      const encoded = await channel.receive();
      this.#listeningSince = undefined;
      if (encoded === null) return;
      // Whoever was sent away may not do more; what was not acked is sent again by a client that may.
      if (!this.#ended) await this.#dispatch(decodeClientMessage(encoded), encoded);
    }
  }

  async #dispatch(message: ClientMessage, encoded: Uint8Array): Promise<void> {
    if (isForVisit(message)) {
      if (this.#visit === undefined) throw untimely(message);
      return await this.#visit.handle(message);
    }
    const { in: states, run } = HANDLERS[message.type];
    if (!states.includes(this.#state)) throw untimely(message);
    await (run as Handler<EarlyMessage["type"]>)(this, message, encoded);
  }

  async startLogin(
    message: MessageOf<ClientMessage, "login_start">,
    encoded: Uint8Array,
  ): Promise<void> {
    const answer = await this.#authentication.start(message, encoded, this.#over.signal);
    if (answer instanceof Uint8Array) {
      this.#state = "proving";
      return this.#outbound?.sendEncoded(answer);
    }
    this.#state = "stranger";
    this.#context.metrics.login("throttled");
    this.#context.bounded.info("login-throttled", this.#fields());
    this.#outbound?.send({ type: "error", ...answer });
  }

  finishLogin(message: MessageOf<ClientMessage, "login_finish">, encoded: Uint8Array): void {
    const { account, invite, ...login } = this.#authentication.finish(message, encoded);
    this.#channel?.rekey(login.sessionKey, login.messages);
    this.#peer.authenticated();
    this.#context.metrics.login("proven");
    if (invite !== undefined) return this.#beInvited(invite);
    clearTimeout(this.#deadline);
    this.#state = "visiting";
    this.#visit = this.#makeVisit(account as string);
    // Only who has proved the password learns that the account may not be here.
    if (this.#visit.begin()) this.#context.logger.info("logged-in", this.#fields());
  }

  /** A person has to think of a name and a password now: the time for that begins anew. */
  #beInvited(invite: Invite): void {
    this.#state = "invited";
    this.#expectLogin();
    const { group, name: peer } = this.#peer;
    this.#redemption = new Redemption({
      context: this.#context,
      outbound: this.#outbound as Outbound,
      invite,
      group,
      peer,
      signal: this.#over.signal,
    });
    this.#redemption.begin();
  }

  #makeVisit(user: string): Visit {
    const { address, name: peer } = this.#peer;
    const context = this.#context;
    return new Visit({
      context,
      outbound: this.#outbound as Outbound,
      user,
      address,
      peer,
      signal: this.#over.signal,
      dismiss: (why) => this.#dismiss(why, context.limits.farewellMs),
    });
  }

  #tooSlow(): void {
    const reason = new PeerError("too-slow", "You read slower than the others write");
    this.#dismiss(reason, this.#context.limits.farewellMs);
  }

  /** Ends the connection, with a reason that the peer has some time to take. */
  #dismiss(error: unknown, farewellMs: number): void {
    if (this.#ended) return;
    this.#noteEnd(error);
    const { code, message } = explain(error);
    this.#patience = setTimeout(() => this.abort(), farewellMs);
    this.stop(code, message).catch(() => this.abort());
  }

  /** Tells the peer why its connection ends, where it can still understand. */
  async #end(error: unknown): Promise<void> {
    const { code, message } = explain(error);
    if (BEYOND_WORDS.includes(code)) return;
    this.#patience = setTimeout(() => this.abort(), this.#context.limits.farewellMs);
    await this.stop(code, message);
    await this.#channel?.close();
  }

  /** Notes why the connection ends, once; without a reason, the peer left. */
  #noteEnd(why: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    const { logger, bounded, metrics } = this.#context;
    const { failures } = this.#authentication;
    for (let at = 0; at < failures; at += 1) metrics.login("failed");
    if (failures > 0) bounded.info("login-failed", { ...this.#fields(), attempts: failures });
    if (why === undefined) return logger.info("left", this.#fields());
    const { code } = explain(why);
    metrics.disconnected(code);
    const fields = { ...this.#fields(), code, reason: describeError(why) };
    if (this.#visit === undefined) bounded.info("stranger-ended", fields);
    else logger.info("ended", fields);
  }

  #expectLogin(): void {
    const late = new PeerError("deadline-missed", "The login took too long");
    this.#setDeadline(this.#context.limits.loginMs, () => this.#channel?.abort(late));
  }

  #setDeadline(milliseconds: number, missed: () => void): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(missed, milliseconds);
  }

  #fields(): LogFields {
    const peer = this.#peer.name;
    return this.#visit === undefined ? { peer } : { user: this.#visit.user, peer };
  }
}
