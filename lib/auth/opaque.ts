/**
 * OPAQUE (RFC 9807), the password-authenticated key exchange: the server never sees a password, and
 * both sides prove to each other that they took part in the registration. This is the one place
 * that names the library; everything here is a base64url string.
 *
 * Key stretching is Argon2id with 64 MiB, 3 passes and 4 lanes (RFC 9106 section 4, second choice),
 * on the client. For a secret that was drawn at random it is Argon2id's least: stretching makes
 * guesses dear (RFC 9807 section 10.8), and 130 random bits cannot be guessed at any price.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { client, ready, server } from "@serenity-kit/opaque";
import { PeerError } from "../errors.ts";
import { foldName } from "../folded_name.ts";

/** Resolves when the library's WebAssembly is ready; everything below needs it. */
export const opaqueReady: Promise<void> = ready;

/** How a secret came about: a person chose it, or it was drawn at random. */
export type SecretKind = "chosen" | "random";

const STRETCHING = {
  chosen: "memory-constrained",
  random: { "argon2id-custom": { iterations: 1, memory: 8, parallelism: 1 } }, // memory in KiB
} as const;

/** Bytes of a registration record (RFC 9807 section 5.2.3) with ristretto255 and SHA-512. */
const RECORD_BYTES = 32 + 64 + 96;

/** The identities of RFC 9807 section 4: both are bound into each registration and login. */
function identifiers(username: string): { client: string; server: string } {
  return { client: foldName(username), server: "fernchat" };
}

/** A new server's long-term secrets: its OPRF seed and its key pair. */
export function createServerSetup(): string {
  return server.createSetup();
}

/**
 * A record that nobody can prove, for logins to accounts that do not exist: RFC 9807 section
 * 6.3.2.2 wants one that is kept and read like any other, since the library's own way with an
 * unknown user costs some microseconds less than a record.
 */
export function createDecoyRecord(): string {
  // Section 5.2.3: a public key (a random point, as a blinded element is one), masking key, envelope.
  const point = Buffer.from(
    client.startRegistration({ password: "" }).registrationRequest,
    "base64url",
  );
  const rest = crypto.getRandomValues(new Uint8Array(RECORD_BYTES - point.length));
  return Buffer.concat([point, rest]).toString("base64url");
}

/** What a client remembers between two of its messages. */
export interface ClientState {
  username: string;
  password: string;
  kind: SecretKind;
  state: string;
}

/** What a login gives to both sides. */
export interface LoginKeys {
  /** 64 bytes that only the two sides of this login know. */
  sessionKey: Uint8Array;
}

/** What a password gives to the client alone. */
export interface PasswordKey {
  /**
   * 64 bytes that the server never has (RFC 9807 section 10.4): the same at each login, others after
   * each registration, be it with the same password.
   */
  exportKey: Uint8Array;
}

/** The client's first login message (KE1). */
export function clientLoginStart(
  username: string,
  password: string,
  kind: SecretKind = "chosen",
): { pending: ClientState; ke1: string } {
  const { clientLoginState, startLoginRequest } = client.startLogin({ password });
  return { pending: { username, password, kind, state: clientLoginState }, ke1: startLoginRequest };
}

/**
 * The server's answer (KE2). For an unknown user, `record` is one from {@linkcode createDecoyRecord}:
 * the answer then looks the same, and costs the same.
 */
export function serverLoginStart(
  setup: string,
  username: string,
  record: string,
  ke1: string,
): { pending: string; ke2: string } {
  const { serverLoginState, loginResponse } = asPeerFault(() =>
    server.startLogin({
      serverSetup: setup,
      userIdentifier: foldName(username),
      registrationRecord: record,
      startLoginRequest: ke1,
      identifiers: identifiers(username),
    })
  );
  return { pending: serverLoginState, ke2: loginResponse };
}

/**
 * The client's second message (KE3), or `undefined` if the password is wrong, the user unknown, or
 * the server not the one of the registration: OPAQUE does not tell these apart. Takes about a
 * quarter of a second for the stretching of a chosen secret.
 */
export function clientLoginFinish(
  pending: ClientState,
  ke2: string,
): (LoginKeys & PasswordKey & { ke3: string }) | undefined {
  const result = asPeerFault(() =>
    client.finishLogin({
      clientLoginState: pending.state,
      loginResponse: ke2,
      password: pending.password,
      identifiers: identifiers(pending.username),
      keyStretching: STRETCHING[pending.kind],
    })
  );
  if (result === undefined) return undefined;
  const { finishLoginRequest: ke3, sessionKey, exportKey } = result;
  return { ke3, sessionKey: bytes(sessionKey), exportKey: bytes(exportKey) };
}

/** The server's end of a login, or `undefined` if the client could not prove the password. */
export function serverLoginFinish(
  pending: string,
  username: string,
  ke3: string,
): LoginKeys | undefined {
  try {
    const { sessionKey } = server.finishLogin({
      serverLoginState: pending,
      finishLoginRequest: ke3,
      identifiers: identifiers(username),
    });
    return { sessionKey: bytes(sessionKey) };
  } catch {
    return undefined; // the library throws for a wrong MAC and for a malformed message alike
  }
}

/** The client's first registration message. */
export function clientRegisterStart(
  username: string,
  password: string,
  kind: SecretKind = "chosen",
): { pending: ClientState; request: string } {
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
  return {
    pending: { username, password, kind, state: clientRegistrationState },
    request: registrationRequest,
  };
}

/** The server's answer to a registration request. */
export function serverRegister(setup: string, username: string, request: string): string {
  return asPeerFault(() =>
    server.createRegistrationResponse({
      serverSetup: setup,
      userIdentifier: foldName(username),
      registrationRequest: request,
    })
  ).registrationResponse;
}

/**
 * The record that the server keeps in place of a password, and the key that stays here. Costs the
 * key stretching.
 */
export function clientRegisterFinish(
  pending: ClientState,
  response: string,
): PasswordKey & { record: string } {
  const { registrationRecord: record, exportKey } = asPeerFault(() =>
    client.finishRegistration({
      clientRegistrationState: pending.state,
      registrationResponse: response,
      password: pending.password,
      identifiers: identifiers(pending.username),
      keyStretching: STRETCHING[pending.kind],
    })
  );
  return { record, exportKey: bytes(exportKey) };
}

/**
 * Passes if a record from a client can be used at a login: else its account would be locked for good.
 *
 * @throws {PeerError} `message-invalid`.
 */
export function checkRecord(setup: string, username: string, record: string): void {
  const { ke1 } = clientLoginStart(username, "");
  serverLoginStart(setup, username, record, ke1);
}

/** Both sides of a registration in one place, for who runs the server. */
export function registerLocally(
  setup: string,
  username: string,
  password: string,
  kind: SecretKind = "chosen",
): string {
  const { pending, request } = clientRegisterStart(username, password, kind);
  return clientRegisterFinish(pending, serverRegister(setup, username, request)).record;
}

function bytes(base64url: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64url, "base64url"));
}

function asPeerFault<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw new PeerError("message-invalid", "A login message is not valid", { cause });
  }
}
