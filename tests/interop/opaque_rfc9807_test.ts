/**
 * A client whose OPAQUE is written from RFC 9807 logs in at the real server, and registers at it;
 * what each of the two clients registers, the other can log in with.
 * Each takes seconds: 64 MiB of Argon2id in JavaScript.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { dial } from "../../lib/client/dial.ts";
import { receive, send } from "../../lib/client/exchange.ts";
import { LoginError } from "../../lib/errors.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import { withOperations } from "../../lib/server/commands.ts";
import { ALICE, assertFails, TestServer } from "../attacks/server.ts";
import { Login, Registration, type User } from "./opaque_rfc9807.ts";

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"));

const alice: User = { client_identity: "alice", password: ALICE.password };
const NEW_PASSWORD = "alice's new lamp-oil, naïve 漢字";

/** Logs in with our own OPAQUE; false if it refused. What the server says then is next to come. */
async function prove(channel: SecureChannel, user: User, username: string): Promise<boolean> {
  const login = new Login(user);
  const start = send(channel, { type: "login_start", username, ke1: base64url(login.ke1) });
  const [{ ke2 }, response] = await receive(channel, "login_response");
  const done = login.finish(bytes(ke2));
  if (done === undefined) return false;
  const finish = send(channel, { type: "login_finish", ke3: base64url(done.ke3) });
  channel.rekey(done.session_key, [start, response, finish]);
  return true;
}

/** The name in `welcome`, or undefined if OPAQUE refused. */
async function logIn(
  channel: SecureChannel,
  user: User,
  username: string,
): Promise<string | undefined> {
  if (!await prove(channel, user, username)) return undefined;
  const [welcome] = await receive(channel, "welcome");
  return welcome.user;
}

Deno.test("a client from the RFC logs in with a password that ours registered, and with no other", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  assert.equal(await logIn(channel, { ...alice, password: "a guess" }, "alice"), undefined);
  const nobody = { ...alice, client_identity: "nobody" };
  assert.equal(await logIn(channel, nobody, "nobody"), undefined);
  assert.equal(await logIn(channel, alice, "ALICE"), "alice");
  send(channel, { type: "ping" });
  await receive(channel, "pong");
  await channel.close();
});

Deno.test("ours logs in with a password that a client from the RFC registered", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  assert.equal(await logIn(channel, alice, "alice"), "alice");
  const registration = new Registration({ ...alice, password: NEW_PASSWORD });
  send(channel, { type: "register_start", request: base64url(registration.request) });
  const [{ response }] = await receive(channel, "register_response");
  const record = base64url(registration.finalize(bytes(response)));
  send(channel, { type: "register_finish", record });
  await receive(channel, "registered");
  await channel.close();
  await assertFails(server.connect(ALICE), LoginError, "login-refused");
  await using renewed = await server.connect({ ...ALICE, password: NEW_PASSWORD });
  await renewed.send("in with the new one");
});

Deno.test("a client from the RFC follows an invite of ours, and makes an account that ours logs in with", async () => {
  await using server = await TestServer.start([ALICE], {}, "chosen");
  const { code, invite } = await withOperations(server.db, { create: false }, (operations) => {
    const wish = { label: "", role: "member", room: "lobby", uses: 1, seconds: 60 } as const;
    const drawn = operations.invitations.draw(wish);
    operations.invitations.issue([drawn]);
    return drawn;
  });
  const channel = await dial({ hostname: "127.0.0.1", port: server.port });
  const username = `invite:${invite.id}`;
  const stretching = { m: 8, t: 1, p: 1 };
  const holder: User = { client_identity: username, password: code, stretching };
  assert.ok(await prove(channel, holder, username));
  assert.equal((await receive(channel, "invited"))[0].room, "lobby");
  const registration = new Registration({ client_identity: "bob", password: NEW_PASSWORD });
  send(channel, { type: "create_start", name: "Bob", request: base64url(registration.request) });
  const [{ response }] = await receive(channel, "register_response");
  const record = base64url(registration.finalize(bytes(response)));
  send(channel, { type: "create_finish", record });
  await receive(channel, "registered");
  await channel.close();
  await using bob = await server.connect({ username: "bob", password: NEW_PASSWORD });
  assert.equal(bob.user, "Bob");
});
