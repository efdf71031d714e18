/**
 * A change of the password and the vault: its key goes with the password, or nothing is stored. An
 * account whose password has changed without it could never open its vault again.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { clientRegisterFinish, clientRegisterStart } from "../../lib/auth/opaque.ts";
import { dial } from "../../lib/client/dial.ts";
import { receive, send } from "../../lib/client/exchange.ts";
import { prove, receiveFirst } from "../../lib/client/login.ts";
import { ConnectError, EnvironmentError, LoginError } from "../../lib/errors.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import { openDatabase } from "../../lib/database.ts";
import { CONSOLE } from "../../lib/server/operations.ts";
import { ALICE, assertFails, TestServer } from "../attacks/server.ts";
import { bytesOf, SealedMember } from "./sealed_member.ts";
import { onConsole } from "./speaker.ts";

const NEXT = "a new lamp";
const OLD_WRAP = bytesOf(80, 1);
const NEW_WRAP = bytesOf(80, 2);
const WRAPPED = base64url(NEW_WRAP);

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** A server where alice has a vault; nobody's password is stretched. */
async function startWithVault(): Promise<TestServer> {
  const server = await TestServer.start([ALICE]);
  using alice = await SealedMember.enter(server, ALICE);
  assert.equal(await alice.try({ do: "put", name: "wrap", version: 0 }, OLD_WRAP), "done");
  return server;
}

/** Logs in with a password. */
async function enter(server: TestServer, password: string): Promise<SecureChannel> {
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  await prove(channel, { ...ALICE, password }, "random");
  await receiveFirst(channel, "welcome");
  return channel;
}

/** Comes as far as to the last message of a change to {@linkcode NEXT}: gives what that names. */
async function almostChange(channel: SecureChannel): Promise<string> {
  const { pending, request } = clientRegisterStart("alice", NEXT, "random");
  send(channel, { type: "register_start", request });
  const [{ response }] = await receive(channel, "register_response");
  return clientRegisterFinish(pending, response).record;
}

/** The vault's key as it is stored, and its version. */
function storedWrap(server: TestServer): Promise<[number, string]> {
  return onConsole(server, ({ delivery: { vault } }) => {
    const { version, data } = vault.find("alice", "wrap") ?? { version: 0, data: new Uint8Array() };
    return [version, base64url(data)];
  });
}

/** Nothing of a change is stored: the password is the old one, and so is the vault's key. */
async function assertUnchanged(server: TestServer): Promise<void> {
  assert.deepEqual(await storedWrap(server), [1, base64url(OLD_WRAP)]);
  await (await enter(server, ALICE.password)).close();
  await assertFails(enter(server, NEXT), LoginError, "login-refused");
}

Deno.test("a new password and the vault's key under it are stored together", async () => {
  await using server = await startWithVault();
  const channel = await enter(server, ALICE.password);
  const record = await almostChange(channel);
  send(channel, { type: "register_finish", record, wrap: WRAPPED, wrap_version: 1 });
  await receive(channel, "registered");
  await channel.close();
  assert.deepEqual(await storedWrap(server), [2, WRAPPED]);
  await (await enter(server, NEXT)).close();
  await assertFails(enter(server, ALICE.password), LoginError, "login-refused");
});

Deno.test("a client that does not know the vault cannot lock it for ever: it is told, and goes on", async () => {
  await using server = await startWithVault();
  const channel = await enter(server, ALICE.password);
  const record = await almostChange(channel);
  send(channel, { type: "register_finish", record });
  const [{ code, message }] = await receive(channel, "error");
  assert.deepEqual([code, /use a newer client/.test(message)], ["vault-unwrapped", true]);
  await assertUnchanged(server);
  send(channel, { type: "ping" });
  await receive(channel, "pong");
  send(channel, { type: "register_finish", record, wrap: WRAPPED, wrap_version: 1 }); // a login is good for one try
  await assertFails(receive(channel, "registered"), ConnectError, "message-unexpected");
  await assertUnchanged(server);
});

Deno.test("the vault counts that is there when the change is stored, not when it was begun", async () => {
  await using server = await TestServer.start([ALICE]);
  const channel = await enter(server, ALICE.password);
  const record = await almostChange(channel);
  using other = await SealedMember.enter(server, ALICE);
  assert.equal(await other.try({ do: "put", name: "wrap", version: 0 }, OLD_WRAP), "done");
  send(channel, { type: "register_finish", record });
  const [{ code }] = await receive(channel, "error");
  assert.equal(code, "vault-unwrapped");
  await channel.close();
  await assertUnchanged(server);
});

Deno.test("without a vault a password is changed as ever", async () => {
  await using server = await TestServer.start([ALICE]);
  const channel = await enter(server, ALICE.password);
  send(channel, { type: "register_finish", record: await almostChange(channel) });
  await receive(channel, "registered");
  await channel.close();
  assert.deepEqual(await storedWrap(server), [0, ""]);
  await (await enter(server, NEXT)).close();
});

/** A last message that is none. */
const BROKEN: Record<
  string,
  (record: string) => { record: string; wrap: string; wrap_version: number }
> = {
  "a record that is none": () => ({ record: "A", wrap: WRAPPED, wrap_version: 1 }),
  "bytes that are not in their one form": (record) => ({ record, wrap: "AB", wrap_version: 1 }),
};

for (const [what, finish] of Object.entries(BROKEN)) {
  Deno.test(`of a change with ${what}, neither is stored`, async () => {
    await using server = await startWithVault();
    const channel = await enter(server, ALICE.password);
    send(channel, { type: "register_finish", ...finish(await almostChange(channel)) });
    await assertFails(receive(channel, "registered"), ConnectError, "message-invalid");
    await assertUnchanged(server);
  });
}

Deno.test("of a change by a session that was ended meanwhile, neither is stored", async () => {
  await using server = await startWithVault();
  const channel = await enter(server, ALICE.password);
  const record = await almostChange(channel);
  await onConsole(server, (operations) => operations.endSessions(CONSOLE, "alice", ""));
  send(channel, { type: "register_finish", record, wrap: WRAPPED, wrap_version: 1 });
  await assertFails(receive(channel, "registered"), EnvironmentError, "kicked");
  await channel.close();
  await assertUnchanged(server);
});

Deno.test("of a change to an account that another one has the name of, neither is stored", async () => {
  await using server = await startWithVault();
  const channel = await enter(server, ALICE.password);
  const record = await almostChange(channel);
  await onConsole(server, (operations) => {
    const old = operations.accounts.find("alice");
    operations.removeAccount(CONSOLE, "alice");
    operations.accounts.create("alice", old?.record ?? "", "member");
  });
  send(channel, { type: "register_finish", record, wrap: WRAPPED, wrap_version: 1 });
  await assert.rejects(receive(channel, "registered"));
  await channel.close();
  assert.deepEqual(await storedWrap(server), [0, ""]); // nothing of the first one's, old or new
  await (await enter(server, ALICE.password)).close();
});

Deno.test("of a change that cannot be stored now, neither is", async () => {
  await using server = await startWithVault();
  const channel = await enter(server, ALICE.password);
  const record = await almostChange(channel);
  const other = openDatabase(server.db);
  other.exec("BEGIN IMMEDIATE");
  send(channel, { type: "register_finish", record, wrap: WRAPPED, wrap_version: 1 });
  await assertFails(receive(channel, "registered"), ConnectError, "server-failed");
  other.exec("ROLLBACK");
  other.close();
  await assertUnchanged(server);
});
