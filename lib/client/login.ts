/**
 * The client's side of a login and of a change of password.
 *
 * @module
 */

import {
  clientLoginFinish,
  clientLoginStart,
  clientRegisterFinish,
  clientRegisterStart,
  opaqueReady,
  type PasswordKey,
  type SecretKind,
} from "../auth/opaque.ts";
import { CallerError, LoginError, PeerError } from "../errors.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import { isTypedName, type MessageOf, type ServerMessage } from "../protocol/messages.ts";
import { receive, receiveUnproven, send } from "./exchange.ts";

/** Who logs in. */
export interface Credentials {
  username: string;
  password: string;
}

/** What a login tells and gives. */
export interface Welcomed extends PasswordKey {
  /** The account's name as the server writes it. */
  user: string;
}

/**
 * Logs in and moves the channel to keys that depend on the login. Takes a quarter of a second, for
 * the key stretching. After `login-refused`, the same channel can be tried again.
 *
 * @throws {LoginError} `login-refused`: wrong name or password, or not the server of the
 * registration; `login-relayed`: someone sits between this client and the server;
 * `login-throttled`: too many attempts, try again later, on the same channel if you like.
 * @throws {CallerError} `name-invalid` if no account can have the name.
 * @throws {ConnectError} if the connection ends, or the server does not answer.
 */
export async function login(
  channel: SecureChannel,
  credentials: Credentials,
  answerMs?: number,
): Promise<Welcomed> {
  checkUsername(credentials.username);
  const { exportKey } = await prove(channel, credentials, "chosen", answerMs);
  const { user } = await receiveFirst(channel, "welcome", answerMs);
  return { user, exportKey };
}

/**
 * Proves a secret and moves the channel to keys that depend on the proof.
 *
 * @throws {LoginError} `login-refused`, `login-throttled`.
 * @throws {ConnectError} if the connection ends, or the server does not answer.
 */
export async function prove(
  channel: SecureChannel,
  { username, password }: Credentials,
  kind: SecretKind,
  answerMs?: number,
): Promise<PasswordKey> {
  await opaqueReady;
  const { pending, ke1 } = clientLoginStart(username, password, kind);
  const start = send(channel, { type: "login_start", username, ke1 });
  const [response, encodedResponse] = await receiveUnproven(channel, "login_response", answerMs);
  const keys = clientLoginFinish(pending, response.ke2);
  if (keys === undefined) throw refused();
  const finish = send(channel, { type: "login_finish", ke3: keys.ke3 });
  channel.rekey(keys.sessionKey, [start, encodedResponse, finish]);
  return { exportKey: keys.exportKey };
}

/** A vault's keys, wrapped under an export key. */
export interface WrappedRing {
  /** In base64url. */
  wrap: string;
  /** The version of the wrap that it replaces. */
  wrap_version: number;
}

/** Wraps a vault's keys under an export key; undefined if there is no vault. */
export type Rewrap = (exportKey: Uint8Array) => WrappedRing | undefined;

/**
 * Gives the account that has just logged in a new password. Only before it joins a room.
 *
 * @param rewrap the vault's keys, wrapped under the new password's export key, for an account that
 * has a vault: the server takes both or neither.
 * @throws {ConnectError} if the connection ends; the old password may then still hold.
 */
export async function changePassword(
  channel: SecureChannel,
  username: string,
  password: string,
  rewrap: Rewrap = () => undefined,
): Promise<void> {
  const { pending, request } = clientRegisterStart(username, password);
  send(channel, { type: "register_start", request });
  const [{ response }] = await receive(channel, "register_response");
  const { record, exportKey } = clientRegisterFinish(pending, response);
  send(channel, { type: "register_finish", record, ...rewrap(exportKey) });
  await receive(channel, "registered");
}

/**
 * The first message under the login's keys: it proves that no one stands between.
 *
 * @throws {LoginError} `login-relayed`.
 * @throws what {@linkcode receive} throws.
 */
export async function receiveFirst<T extends ServerMessage["type"]>(
  channel: SecureChannel,
  type: T,
  answerMs?: number,
): Promise<MessageOf<ServerMessage, T>> {
  try {
    const [message] = await receive(channel, type, answerMs);
    return message;
  } catch (cause) {
    if (!(cause instanceof PeerError && cause.code === "record-invalid")) throw cause;
    throw new LoginError(
      "login-relayed",
      "Login stopped: someone between you and the server relayed it",
      { cause, hint: "nothing was given away; use another network, and tell who runs the server" },
    );
  }
}

/** Passes if a text can be sent as a user name. Throws `name-invalid`. */
export function checkUsername(username: string): void {
  if (isTypedName(username)) return;
  throw new CallerError("name-invalid", "Not a user name: it is empty or too long", {
    hint: "use 1 to 128 characters",
  });
}

function refused(): LoginError {
  return new LoginError("login-refused", "Login refused: wrong user name or password", {
    hint: "check both; if you are sure, this is not the server that you registered with",
  });
}
