/**
 * The client's side of an invite: prove its code, make an account. Nothing of the code leaves this
 * machine: it is the password of a login (RFC 9807), under which the new account's record travels.
 *
 * @module
 */

import type { Role } from "../auth/accounts.ts";
import { inviteId, inviteIdentity } from "../auth/invite_code.ts";
import { clientRegisterFinish, clientRegisterStart } from "../auth/opaque.ts";
import { checkPassword } from "../auth/passwords.ts";
import {
  CallerError,
  ConnectError,
  EnvironmentError,
  FernchatError,
  LoginError,
  PeerError,
} from "../errors.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import { dial } from "./dial.ts";
import { receive, send } from "./exchange.ts";
import type { InviteLink } from "./invite_link.ts";
import { checkUsername, type Credentials, prove, receiveFirst } from "./login.ts";
import { TIMING, type Timing } from "./timing.ts";

/** What an invite is for. */
export interface Invited {
  /** What the new account may do. */
  role: Role;
  /** Where its user is awaited. */
  room: string;
}

const ASK = "ask whoever sent it for a new one";

/** Why an invite lets nobody in, by the server's code, and what to do next. */
const REFUSALS: { readonly [code: string]: readonly [code: string, says: string, hint: string] } = {
  "login-refused": [
    ...["invite-unknown", "The server does not know this invite"] as const,
    `check that the link is whole and its server the right one; else ${ASK}`,
  ],
  "invite-expired": ["invite-expired", "This invite has expired", ASK],
  "invite-revoked": ["invite-revoked", "This invite was revoked", ASK],
  "invite-used": [
    ...["invite-used", "This invite was used already"] as const,
    `if that was you, log in with the name that you chose; else ${ASK}`,
  ],
};

/**
 * Makes an account with an invite; then its user can log in.
 *
 * @throws what {@linkcode dial}, {@linkcode openInvite} and {@linkcode createAccount} throw.
 */
export async function redeem(
  { address, code }: InviteLink,
  credentials: Credentials,
  { answerMs }: Pick<Timing, "answerMs"> = TIMING,
): Promise<Invited> {
  checkCredentials(credentials);
  const channel = await dial(address);
  try {
    const invited = await openInvite(channel, code, answerMs);
    await createAccount(channel, credentials, answerMs);
    return invited;
  } finally {
    await channel.close();
  }
}

/**
 * Proves an invite's code on a channel where nobody has logged in. It is not used up by that.
 *
 * @throws {LoginError} `invite-unknown`, `invite-expired`, `invite-used`, `invite-revoked`;
 * `login-relayed` and `login-throttled` as at a login.
 * @throws {ConnectError} if the connection ends, or the server does not answer.
 * @throws {PeerError} if the other side breaks the protocol.
 */
export async function openInvite(
  channel: SecureChannel,
  code: string,
  answerMs?: number,
): Promise<Invited> {
  return await explained(async () => {
    const credentials = { username: inviteIdentity(inviteId(code)), password: code };
    await prove(channel, credentials, "random", answerMs);
    const { role, room } = await receiveFirst(channel, "invited", answerMs);
    return { role, room };
  });
}

/**
 * Makes an account on a channel where an invite was proven; that name and password can log in then,
 * on another connection. Takes a quarter of a second, for the key stretching. If the name cannot be
 * had, the same channel can be tried again with another one.
 *
 * @throws {CallerError} `name-invalid`, `name-reserved`, `password-invalid`.
 * @throws {EnvironmentError} `name-taken`, `name-similar`; `join-uncertain` if the connection ended
 * when the account was as good as made.
 * @throws {LoginError} `login-throttled`: the name was tried too often, try again later;
 * `invite-expired`, `invite-used`, `invite-revoked`, if that is so by now.
 * @throws {ConnectError} if the connection ends, or the server does not answer.
 * @throws {PeerError} if the other side breaks the protocol.
 */
export async function createAccount(
  channel: SecureChannel,
  credentials: Credentials,
  answerMs?: number,
): Promise<void> {
  checkCredentials(credentials);
  const { username, password } = credentials;
  await explained(async () => {
    const { pending, request } = clientRegisterStart(username, password);
    send(channel, { type: "create_start", name: username, request });
    const [{ response }] = await receive(channel, "register_response", answerMs);
    const { record } = clientRegisterFinish(pending, response);
    send(channel, { type: "create_finish", record });
    await receive(channel, "registered", answerMs).catch((error) => {
      throw isCut(error) ? uncertain(username, error) : error;
    });
  });
}

/** Whether a name cannot be had, while another one could. */
export function isNameRefusal(error: unknown): boolean {
  return error instanceof FernchatError && /^name-/.test(error.code);
}

function checkCredentials({ username, password }: Credentials): void {
  checkUsername(username);
  checkPassword(password);
}

/** What the server says about invites and names, in words of this side where it has some. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ConnectError || error instanceof LoginError ? explain(error) : error;
  }
}

function explain(cause: ConnectError | LoginError): FernchatError {
  const refusal = REFUSALS[cause.code];
  if (refusal !== undefined) {
    const [code, says, hint] = refusal;
    return new LoginError(code, says, { cause, hint });
  }
  if (cause instanceof LoginError) return cause;
  const { code, message } = cause;
  if (code === "login-throttled") return new LoginError(code, message, { cause });
  if (code === "name-invalid" || code === "name-reserved") {
    return new CallerError(code, message, { cause });
  }
  return isNameRefusal(cause) ? new EnvironmentError(code, message, { cause }) : cause;
}

/** The server did not say what became of it. */
function isCut(error: unknown): boolean {
  const cuts = ["cannot-connect", "connection-closed", "connection-cut"];
  return error instanceof PeerError || error instanceof ConnectError && cuts.includes(error.code);
}

function uncertain(username: string, cause: unknown): EnvironmentError {
  return new EnvironmentError("join-uncertain", "The connection ended before the last answer", {
    cause,
    hint: `the account may be there: try to log in as ${username}`,
  });
}
