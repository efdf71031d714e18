/**
 * The server's side of a login (RFC 9807 section 6): from a client's first message to the session
 * key that both sides mix into the channel.
 *
 * @module
 */

import type { Accounts } from "../auth/accounts.ts";
import type { Invite, Invites } from "../auth/invites.ts";
import { serverLoginFinish, serverLoginStart } from "../auth/opaque.ts";
import { type ClientMessage, encodeServerMessage, type MessageOf } from "../protocol/messages.ts";

type LoginStart = MessageOf<ClientMessage, "login_start">;

/** Whose login it is: an account's, or an invite's; nobody's who may log in if there is neither. */
export interface Prover {
  /** The account's name. */
  account?: string | undefined;
  invite?: Invite | undefined;
}

/** A login between its two messages from the client. */
export interface PendingLogin extends Prover {
  /** As the client typed it. */
  username: string;
  /** What it is proven against. */
  record: string;
  state: string;
  /** The login's messages so far, as they travelled. */
  messages: [Uint8Array, Uint8Array];
}

/** Answers a login's start. For an unknown user the answer is of the same form, and takes as long. */
export function startLogin(
  accounts: Accounts,
  demoAllowed: boolean,
  message: LoginStart,
  encoded: Uint8Array,
): PendingLogin {
  const { account, record } = accounts.findForLogin(message.username);
  const mayLogIn = !account?.demo || demoAllowed && !accounts.hasOwn();
  const prover = { account: mayLogIn ? account?.name : undefined };
  return respond(accounts, mayLogIn ? record : accounts.decoy, prover, message, encoded);
}

/** The same for who wants to prove the code of the invite `id`, whatever has become of it. */
export function startInvited(
  accounts: Accounts,
  invites: Invites,
  id: string,
  message: LoginStart,
  encoded: Uint8Array,
): PendingLogin {
  const { invite, record } = invites.findForLogin(id, accounts.decoy);
  return respond(accounts, record, { invite }, message, encoded);
}

function respond(
  { setup }: Accounts,
  record: string,
  prover: Prover,
  { username, ke1 }: LoginStart,
  encoded: Uint8Array,
): PendingLogin {
  const { pending, ke2 } = serverLoginStart(setup, username, record, ke1);
  const response = encodeServerMessage({ type: "login_response", ke2 });
  return { ...prover, username, record, state: pending, messages: [encoded, response] };
}

/** The session key, or undefined if the client could not prove the password. */
export function finishLogin(login: PendingLogin, ke3: string): Uint8Array | undefined {
  const keys = serverLoginFinish(login.state, login.username, ke3);
  const { account, invite } = login;
  return account === undefined && invite === undefined ? undefined : keys?.sessionKey;
}
