/**
 * The server's side of a login (RFC 9807 section 6): from a client's first message to the session
 * key that both sides mix into the channel.
 *
 * @module
 */

import type { Accounts } from "../auth/accounts.ts";
import { serverLoginFinish, serverLoginStart } from "../auth/opaque.ts";
import { type ClientMessage, encodeServerMessage, type MessageOf } from "../protocol/messages.ts";

/** A login between its two messages from the client. */
export interface PendingLogin {
  /** As the client typed it. */
  username: string;
  /** The account's name; undefined if there is none that may log in. */
  account: string | undefined;
  state: string;
  /** The login's messages so far, as they travelled. */
  messages: [Uint8Array, Uint8Array];
}

/** Answers a login's start. For an unknown user the answer is of the same form, and takes as long. */
export function startLogin(
  accounts: Accounts,
  demoAllowed: boolean,
  message: MessageOf<ClientMessage, "login_start">,
  encoded: Uint8Array,
): PendingLogin {
  const { username, ke1 } = message;
  const { account, record } = accounts.findForLogin(username);
  const mayLogIn = !account?.demo || demoAllowed && !accounts.hasOwn();
  const { pending, ke2 } = serverLoginStart(
    accounts.setup,
    username,
    mayLogIn ? record : accounts.decoy,
    ke1,
  );
  const response = encodeServerMessage({ type: "login_response", ke2 });
  const name = mayLogIn ? account?.name : undefined;
  return { username, account: name, state: pending, messages: [encoded, response] };
}

/** The session key, or undefined if the client could not prove the password. */
export function finishLogin(login: PendingLogin, ke3: string): Uint8Array | undefined {
  const keys = serverLoginFinish(login.state, login.username, ke3);
  return login.account === undefined ? undefined : keys?.sessionKey;
}
