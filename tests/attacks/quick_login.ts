/**
 * Logins that cost next to nothing, for crowds: key stretching is the client's own affair (RFC 9807
 * section 6.3.2.3), so an account that was registered with a cheap one logs in with the same. The
 * server's side of it is the real one, to the byte.
 *
 * @module
 */

import { client, server } from "@serenity-kit/opaque";
import { Buffer } from "node:buffer";
import { Accounts } from "../../lib/auth/accounts.ts";
import { opaqueReady } from "../../lib/auth/opaque.ts";
import { dial } from "../../lib/client/dial.ts";
import { receive, send } from "../../lib/client/exchange.ts";
import type { Credentials } from "../../lib/client/login.ts";
import { openDatabase } from "../../lib/database.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import type { MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";

/** Argon2id's least: no protection at all, for accounts that protect nothing. */
const NO_STRETCHING = { "argon2id-custom": { iterations: 1, memory: 8, parallelism: 1 } };

/** Adds accounts to a database: only {@linkcode joinQuickly} gets in with them. */
export async function addQuickAccounts(db: string, people: readonly Credentials[]): Promise<void> {
  const database = openDatabase(db);
  try {
    const accounts = await Accounts.open(database, db);
    for (const { username, password } of people) {
      accounts.add(username, password);
      accounts.setRecord(username, register(accounts.setup, { username, password }));
    }
  } finally {
    database.close();
  }
}

/** A member that has joined the lobby, by its channel. */
export interface QuickMember {
  channel: SecureChannel;
  joined: MessageOf<ServerMessage, "joined">;
}

/** Connects, logs in and joins the lobby. The caller has to say `ping` in time. */
export async function joinQuickly(port: number, who: Credentials): Promise<QuickMember> {
  await opaqueReady;
  const channel = await dial({ hostname: "127.0.0.1", port });
  await login(channel, who);
  send(channel, { type: "join", room: LOBBY });
  const [joined] = await receive(channel, "joined");
  return { channel, joined };
}

async function login(channel: SecureChannel, { username, password }: Credentials): Promise<void> {
  const { clientLoginState, startLoginRequest: ke1 } = client.startLogin({ password });
  const start = send(channel, { type: "login_start", username, ke1 });
  const [{ ke2 }, response] = await receive(channel, "login_response");
  const proof = client.finishLogin({
    clientLoginState,
    loginResponse: ke2,
    password,
    identifiers: identifiers(username),
    keyStretching: NO_STRETCHING,
  });
  if (proof === undefined) throw new Error(`${username}'s login was refused`);
  const finish = send(channel, { type: "login_finish", ke3: proof.finishLoginRequest });
  const sessionKey = new Uint8Array(Buffer.from(proof.sessionKey, "base64url"));
  channel.rekey(sessionKey, [start, response, finish]);
  await receive(channel, "welcome");
}

function register(serverSetup: string, { username, password }: Credentials): string {
  const { clientRegistrationState, registrationRequest } = client.startRegistration({ password });
  const { registrationResponse } = server.createRegistrationResponse({
    serverSetup,
    userIdentifier: username,
    registrationRequest,
  });
  return client.finishRegistration({
    clientRegistrationState,
    registrationResponse,
    password,
    identifiers: identifiers(username),
    keyStretching: NO_STRETCHING,
  }).registrationRecord;
}

/** As in PROTOCOL.md section 7.2. */
function identifiers(username: string): { client: string; server: string } {
  return { client: username, server: "fernchat" };
}
