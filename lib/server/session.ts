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
import { Teardown } from "./teardown.ts";
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

/** Milliseconds for the last words to a member who was silent already. */
const SILENT_FAREWELL_MS = 2_000;

/** See the module's description. */
export class Session {
  readonly #peer: Peer;
  readonly #context: SessionContext;
  readonly #authentication: Authentication;
  readonly #teardown: Teardown;
  #state: State = "stranger";
  #channel: SecureChannel | undefined;
  #outbound: Outbound | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #redemption: Redemption | undefined;
  #visit: Visit | undefined;
  /** When the server began to wait for the peer's next words. */
  #listeningSince: number | undefined;

  constructor(peer: Peer, context: SessionContext) {
    this.#peer = peer;
    this.#context = context;
    const { loginsPerConnection } = context.limits;
    this.#authentication = new Authentication(context, peer.group, loginsPerConnection);
    this.#teardown = this.#makeTeardown();
  }

  /** Serves the connection to its end. Never throws. */
  async run(): Promise<void> {
    let wasCut = true;
    try {
      await this.#converse();
      await this.#visit?.attendance.settled(); // its acks go before the close
      await this.#channel?.close();
      this.#teardown.left();
      wasCut = false;
    } catch (error) {
      await this.#teardown.fail(error);
    } finally {
      clearTimeout(this.#deadline);
      this.#visit?.leave(wasCut);
      this.#teardown.release();
    }
  }

  /** Says good-bye with a reason; the connection ends when the client has taken it. */
  async stop(code: string, message: string): Promise<void> {
    await this.#teardown.stop(code, message);
  }

  /** Ends the connection without a word. */
  abort(): void {
    this.#teardown.abort();
  }

  /** Ends the connection because its place is needed. */
  evict(): void {
    const why = "Its place was needed for another connection";
    this.#teardown.cut(new PeerError("connection-cut", why));
  }

  /** Ends the connection of a member that gives no sign. `now` is `performance.now()`. */
  checkSilence(now: number): void {
    if (this.#visit === undefined || this.#teardown.hasBegun) return;
    const since = Math.min(this.#listeningSince ?? now, this.#channel?.writingSince ?? now);
    if (now - since <= this.#context.limits.silenceMs) return;
    const reason = new PeerError("deadline-missed", "Nothing was heard from you for too long");
    this.#teardown.dismiss(reason, SILENT_FAREWELL_MS);
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
      if (!this.#teardown.hasBegun) await this.#dispatch(decodeClientMessage(encoded), encoded);
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
    const answer = await this.#authentication.start(message, encoded, this.#teardown.signal);
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
      signal: this.#teardown.signal,
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
      signal: this.#teardown.signal,
      dismiss: (why) => this.#teardown.dismiss(why),
    });
  }

  #tooSlow(): void {
    const reason = new PeerError("too-slow", "You read slower than the others write");
    this.#teardown.dismiss(reason);
  }

  #makeTeardown(): Teardown {
    return new Teardown({
      stream: this.#peer.stream,
      farewellMs: this.#context.limits.farewellMs,
      channel: () => this.#channel,
      // Between the two keys of a login nothing can be said that the client would understand.
      outbound: () => this.#state === "proving" ? undefined : this.#outbound,
      note: (why) => this.#noteEnd(why),
    });
  }

  /** Tells log and metrics why the connection ends; without a reason, the peer left. */
  #noteEnd(why: unknown): void {
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
