/**
 * A connection's way from a stranger to a user: attempts to log in, at the pace that the account and
 * the address are granted.
 *
 * @module
 */

import type { Accounts } from "../auth/accounts.ts";
import { idOfIdentity } from "../auth/invite_code.ts";
import { PeerError } from "../errors.ts";
import { foldName } from "../folded_name.ts";
import type { ClientMessage, MessageOf } from "../protocol/messages.ts";
import type { Explanation } from "./explain.ts";
import { finishLogin, type PendingLogin, type Prover, startInvited, startLogin } from "./login.ts";
import type { LoginPacing } from "./login_pacing.ts";
import type { Operations } from "./operations.ts";
import { pause } from "./pause.ts";
import type { Turns } from "./turns.ts";

/** What all connections' logins share. */
export interface AuthenticationContext {
  accounts: Accounts;
  operations: Operations;
  /** Whether the demo account may log in here at all. */
  demoAllowed: boolean;
  /** Resolves when the demo account exists, if it is to. */
  demoReady: Promise<void>;
  pacing: LoginPacing;
  turns: Turns;
}

/** A login that was proven: an account's or an invite's. */
export interface ProvenLogin extends Prover {
  /** OPAQUE's session key. */
  sessionKey: Uint8Array;
  /** The login's messages as they travelled. */
  messages: Uint8Array[];
}

/** See the module's description. */
export class Authentication {
  readonly #context: AuthenticationContext;
  readonly #address: string;
  readonly #maxAttempts: number;
  #attempts = 0;
  #pending: { login: PendingLogin; succeeded(): void } | undefined;

  /** `address` is the peer's, as addresses are counted. */
  constructor(context: AuthenticationContext, address: string, maxAttempts: number) {
    this.#context = context;
    this.#address = address;
    this.#maxAttempts = maxAttempts;
  }

  /** Attempts that were answered and not proven. */
  get failures(): number {
    return this.#attempts;
  }

  /**
   * The answer to a login's start, at its turn, or why there is none now.
   *
   * @throws {PeerError} `message-unexpected` for one attempt too many, `message-invalid`.
   */
  async start(
    message: MessageOf<ClientMessage, "login_start">,
    encoded: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array | Explanation> {
    if (this.#attempts >= this.#maxAttempts) {
      throw new PeerError("message-unexpected", "Too many logins failed on this connection");
    }
    const { demoReady, pacing, turns } = this.#context;
    const attempt = pacing.attempt(guessedAccount(message.username), this.#address);
    if (!attempt.allowed) return throttled(attempt.retryAfterMs);
    this.#attempts += 1;
    await pause(attempt.delayMs, signal);
    await demoReady;
    await turns.next();
    const login = this.#respond(message, encoded);
    this.#pending = { login, succeeded: attempt.succeeded };
    return login.messages[1];
  }

  /**
   * Ends the login that was started.
   *
   * @throws {PeerError} `message-invalid` if the password was not proven, or is another one by now.
   */
  finish(message: MessageOf<ClientMessage, "login_finish">, encoded: Uint8Array): ProvenLogin {
    const pending = this.#pending;
    this.#pending = undefined;
    const sessionKey = pending && finishLogin(pending.login, message.ke3);
    if (pending === undefined || sessionKey === undefined || !this.#holds(pending.login)) {
      throw new PeerError("message-invalid", "A login was not proven");
    }
    pending.succeeded();
    this.#attempts -= 1;
    const { account, invite, messages } = pending.login;
    return { account, invite, sessionKey, messages: [...messages, encoded] };
  }

  /**
   * Whether what was proven still lets one in: a password may have been changed since the login's
   * start, or the name have gone to somebody else. An invite's record never changes.
   */
  #holds({ account, record }: PendingLogin): boolean {
    return account === undefined || this.#context.accounts.find(account)?.record === record;
  }

  #respond(message: MessageOf<ClientMessage, "login_start">, encoded: Uint8Array): PendingLogin {
    const { accounts, operations, demoAllowed } = this.#context;
    const id = idOfIdentity(foldName(message.username));
    if (id === undefined) return startLogin(accounts, demoAllowed, message, encoded);
    return startInvited(accounts, operations.invitations.store, id, message, encoded);
  }
}

/** Whose password an attempt might guess; an invite's code is random, so nobody's. */
function guessedAccount(username: string): string | undefined {
  return idOfIdentity(username) === undefined ? foldName(username) : undefined;
}

/** What whoever has to wait is told. */
export function throttled(retryAfterMs: number): Explanation {
  const seconds = Math.ceil(retryAfterMs / 1000);
  return {
    code: "login-throttled",
    message: `Too many logins were tried: wait ${seconds} s and try again`,
  };
}
