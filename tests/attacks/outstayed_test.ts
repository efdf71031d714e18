/**
 * Somebody whose time is over: the password was changed, the account removed, the sessions ended.
 * What was begun before that must not be finished afterwards; also in the half second in which a
 * server does not know yet what was done on its console.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Accounts } from "../../lib/auth/accounts.ts";
import {
  clientLoginFinish,
  clientLoginStart,
  clientRegisterFinish,
  clientRegisterStart,
  type LoginKeys,
  registerLocally,
} from "../../lib/auth/opaque.ts";
import { dial } from "../../lib/client/dial.ts";
import { receive, receiveUnproven, send } from "../../lib/client/exchange.ts";
import { login } from "../../lib/client/login.ts";
import { redeem } from "../../lib/client/redeem.ts";
import { ConnectError, LoginError } from "../../lib/errors.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import { onConsole } from "../server/speaker.ts";
import { ALICE, assertFails, MALLORY, nextEvent, TestServer } from "./server.ts";

const NEXT = "a new one of the operator's 17";

/** What somebody at the console does about mallory, once the key stretching is done. */
const DEEDS: { [deed: string]: (accounts: Accounts, record: string) => void } = {
  "a new password": (accounts, record) => {
    accounts.setRecord("mallory", record);
    accounts.endSessions("mallory");
  },
  "a removal, and another account of the name": (accounts, record) => {
    accounts.remove("mallory");
    accounts.create("mallory", record, "member");
  },
};

/** Mallory's record with the operator's password. */
function nextRecord(server: TestServer): Promise<string> {
  return onConsole(server, ({ accounts }) => registerLocally(accounts.setup, "mallory", NEXT));
}

/** A login up to its last message, which is still to be sent. */
async function almostLogIn(
  channel: SecureChannel,
): Promise<LoginKeys & { ke3: string; messages: Uint8Array[] }> {
  const { username, password } = MALLORY;
  const { pending, ke1 } = clientLoginStart(username, password);
  const start = send(channel, { type: "login_start", username, ke1 });
  const [{ ke2 }, response] = await receiveUnproven(channel, "login_response");
  const keys = clientLoginFinish(pending, ke2);
  assert.ok(keys !== undefined);
  return { ...keys, messages: [start, response] };
}

for (const [deed, act] of Object.entries(DEEDS)) {
  Deno.test(`${deed}: a login that was begun before does not lead in`, async () => {
    await using server = await TestServer.start([ALICE, MALLORY], {}, "chosen");
    const channel = await dial({ hostname: "127.0.0.1", port: server.port });
    const { ke3, sessionKey, messages } = await almostLogIn(channel);
    const next = await nextRecord(server);
    await onConsole(server, ({ accounts }) => act(accounts, next));
    const finish = send(channel, { type: "login_finish", ke3 });
    channel.rekey(sessionKey, [...messages, finish]);
    await assertFails(receive(channel, "welcome"), ConnectError, "connection-cut");
    await assertFails(server.connect(MALLORY), LoginError, "login-refused");
    await using _ = await server.connect({ ...MALLORY, password: NEXT });
  });

  Deno.test(`${deed}: a session of before cannot put its own password in the place`, async () => {
    await using server = await TestServer.start([ALICE, MALLORY], {}, "chosen");
    const channel = await dial({ hostname: "127.0.0.1", port: server.port });
    await login(channel, MALLORY);
    const { pending, request } = clientRegisterStart(MALLORY.username, "mine again");
    send(channel, { type: "register_start", request });
    const [{ response }] = await receive(channel, "register_response");
    const { record } = clientRegisterFinish(pending, response);
    const next = await nextRecord(server);
    send(channel, { type: "ping" });
    await receive(channel, "pong"); // the server has looked at its database just now
    await onConsole(server, ({ accounts }) => act(accounts, next));
    send(channel, { type: "register_finish", record });
    // In a moment, or at once, if the server has looked at its database meanwhile.
    await assert.rejects(receive(channel, "registered"));
    await using _ = await server.connect({ ...MALLORY, password: NEXT });
  });

  Deno.test(`${deed}: a session of before cannot begin a vault, which the next one could not open`, async () => {
    await using server = await TestServer.start([ALICE, MALLORY], {}, "chosen");
    const channel = await dial({ hostname: "127.0.0.1", port: server.port });
    await login(channel, MALLORY);
    const next = await nextRecord(server);
    send(channel, { type: "ping" });
    await receive(channel, "pong"); // the server has looked at its database just now
    await onConsole(server, ({ accounts }) => act(accounts, next));
    send(channel, { type: "part", data: "AAAA" });
    send(channel, { type: "request", ref: 1, request: { do: "put", name: "wrap", version: 0 } });
    await assert.rejects(receive(channel, "reply"));
    using database = new DatabaseSync(server.db);
    assert.deepEqual(database.prepare("SELECT name FROM blobs").all(), []);
  });
}

Deno.test("a login is good for one change of the password: more of them are another login's", async () => {
  await using server = await TestServer.start([MALLORY], {}, "chosen");
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  await login(channel, MALLORY);
  const { request } = clientRegisterStart(MALLORY.username, "another");
  send(channel, { type: "register_start", request });
  await receive(channel, "register_response");
  send(channel, { type: "register_start", request });
  await assertFails(receive(channel, "register_response"), ConnectError, "message-unexpected");
});

Deno.test("the demo's sessions end with the first account that an invite makes", async () => {
  await using server = await TestServer.start([], { demo: true });
  await using demo = await server.connect({ username: "user1", password: "pass1" });
  const code = await onConsole(server, ({ invitations }) => {
    const wish = { label: "", role: "member", room: "lobby", uses: 1, seconds: undefined } as const;
    const drawn = invitations.draw(wish);
    invitations.issue([drawn]);
    return drawn.code;
  });
  await redeem({ address: { hostname: "127.0.0.1", port: server.port }, code }, ALICE);
  assert.equal((await nextEvent(demo, "closed")).reason, "account-removed");
});
