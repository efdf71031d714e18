/**
 * What whoever proved an invite's code can do with it: make one account, under a name that is free.
 *
 * A name costs an attempt to log in under it, which the account gives back: the server's answer to
 * `create_start` would serve to try passwords, of whoever takes that name later (RFC 9807 section
 * 10.9 asks for such a bound).
 *
 * @module
 */

import { DEMO } from "../auth/accounts.ts";
import type { Invite } from "../auth/invites.ts";
import { checkRecord, serverRegister } from "../auth/opaque.ts";
import { describeError, FernchatError, PeerError } from "../errors.ts";
import { foldName } from "../folded_name.ts";
import type { ClientMessage, MessageOf } from "../protocol/messages.ts";
import { throttled } from "./authentication.ts";
import type { LogFields } from "./logger.ts";
import type { AllowedAttempt } from "./login_pacing.ts";
import type { Outbound } from "./outbound.ts";
import { pause } from "./pause.ts";
import { reviewSessions } from "./people.ts";
import type { SessionContext } from "./session_context.ts";
import { untimely } from "./visit.ts";

/** What a redemption works with. */
export interface RedemptionOptions {
  context: SessionContext;
  outbound: Outbound;
  /** The invite whose code was proven. */
  invite: Invite;
  /** The peer's address as it is counted. */
  group: string;
  /** The peer, for the log. */
  peer: string;
  /** Aborted when nothing is worth waiting for any more. */
  signal: AbortSignal;
}

/** Names that can be tried on a connection: more than a person has patience for. */
const MAX_NAMES = 20;

/** Why a name cannot be had: the client may ask for another one. */
const NAME_REFUSALS = ["name-invalid", "name-reserved", "name-taken", "name-similar"];

/** See the module's description. */
export class Redemption {
  readonly #options: RedemptionOptions;
  #names = 0;
  #begun: { name: string; attempt: AllowedAttempt } | undefined;
  #done = false;

  constructor(options: RedemptionOptions) {
    this.#options = options;
  }

  /** Says what the invite is for. Throws `Dismissal` if it cannot be used. */
  begin(): void {
    const { context, outbound, invite } = this.#options;
    const { role, room } = context.operations.invitations.getOpen(invite.id);
    outbound.send({ type: "invited", role, room });
  }

  /**
   * Answers whether the name can be had.
   *
   * @throws {PeerError} `message-unexpected`, `message-invalid`.
   * @throws {Dismissal} if the invite cannot be used any more.
   */
  async start(message: MessageOf<ClientMessage, "create_start">): Promise<void> {
    if (this.#done) throw untimely(message);
    this.#names += 1;
    if (this.#names > MAX_NAMES) throw new PeerError("message-unexpected", "Too many names");
    this.#begun = undefined;
    const { context, outbound, invite, group, signal } = this.#options;
    const { operations, accounts, pacing, turns } = context;
    const { name, request } = message;
    await turns.next(); // a name is compared with all others
    operations.invitations.getOpen(invite.id);
    if (!this.#isFree(name)) return;
    const attempt = pacing.attempt(foldName(name), group);
    if (!attempt.allowed) {
      return outbound.send({ type: "error", ...throttled(attempt.retryAfterMs) });
    }
    await pause(attempt.delayMs, signal);
    const response = serverRegister(accounts.setup, name, request);
    this.#begun = { name, attempt };
    outbound.send({ type: "register_response", response });
  }

  /**
   * Makes the account.
   *
   * @throws as {@linkcode Redemption.start}.
   */
  finish(message: MessageOf<ClientMessage, "create_finish">): void {
    const begun = this.#begun;
    if (begun === undefined) throw untimely(message);
    this.#begun = undefined;
    const { context, outbound, invite } = this.#options;
    const { name, attempt } = begun;
    checkRecord(context.accounts.setup, name, message.record);
    const redeem = (): void =>
      context.operations.invitations.redeem(invite.id, name, message.record);
    if (!this.#tryName(redeem)) return;
    this.#done = true;
    attempt.succeeded();
    reviewSessions(context, DEMO.name); // the first account ends the demo
    context.logger.info("registered", { user: name, ...this.#fields() });
    outbound.send({ type: "registered" });
  }

  #isFree(name: string): boolean {
    return this.#tryName(() => this.#options.context.accounts.checkNew(name));
  }

  /** Does what needs a name; false if the name cannot be had, which the peer is told. */
  #tryName(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!(error instanceof FernchatError && NAME_REFUSALS.includes(error.code))) throw error;
      const message = describeError(error);
      this.#options.outbound.send({ type: "error", code: error.code, message });
      return false;
    }
  }

  #fields(): LogFields {
    const { peer, invite } = this.#options;
    return { peer, invite: invite.id };
  }
}
