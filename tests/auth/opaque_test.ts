/**
 * OPAQUE as this project wraps it: who gets a session key, and what an unknown user's answer shows.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  clientLoginFinish,
  clientLoginStart,
  clientRegisterFinish,
  clientRegisterStart,
  createDecoyRecord,
  createServerSetup,
  opaqueReady,
  registerLocally,
  serverLoginFinish,
  serverLoginStart,
  serverRegister,
} from "../../lib/auth/opaque.ts";
import { PeerError } from "../../lib/errors.ts";
import { assertThrows } from "../attacks/server.ts";

await opaqueReady;
const setup = createServerSetup();
const record = registerLocally(setup, "alice", "right");
const decoy = createDecoyRecord();

/** A login between the two sides, each with its own view of who and what. */
function logIn(
  { username = "alice", password = "right", serverSetup = setup, stored = record },
): { client: Uint8Array | undefined; server: Uint8Array | undefined; ke2: string } {
  const { pending, ke1 } = clientLoginStart(username, password);
  const { pending: state, ke2 } = serverLoginStart(serverSetup, username, stored, ke1);
  const keys = clientLoginFinish(pending, ke2);
  const server = keys && serverLoginFinish(state, username, keys.ke3);
  return { client: keys?.sessionKey, server: server?.sessionKey, ke2 };
}

Deno.test("the right password gives both sides the same 64 bytes, new at each login", () => {
  const [one, other] = [logIn({}), logIn({})];
  assert.equal(one.client?.length, 64);
  assert.deepEqual(one.client, one.server);
  assert.notDeepEqual(one.client, other.client);
});

Deno.test("the export key is the registration's at each login, and another after each registration", () => {
  const exportKeyOf = (password: string, stored: string): string | undefined => {
    const { pending, ke1 } = clientLoginStart("alice", password, "random");
    const keys = clientLoginFinish(pending, serverLoginStart(setup, "alice", stored, ke1).ke2);
    assert.ok(keys !== undefined);
    assert.notDeepEqual(keys.exportKey, keys.sessionKey);
    return keys.exportKey.toString();
  };
  const passwords = ["first", "second", "second"]; // the last change is to the same one
  const registered = passwords.map((password) => {
    const { pending, request } = clientRegisterStart("alice", password, "random");
    const made = clientRegisterFinish(pending, serverRegister(setup, "alice", request));
    assert.equal(made.exportKey.length, 64);
    for (const _ of [1, 2]) {
      assert.equal(exportKeyOf(password, made.record), made.exportKey.toString());
    }
    return made.exportKey.toString();
  });
  assert.equal(new Set(registered).size, 3);
});

Deno.test("a wrong password, an unknown user and another server look the same to a client", () => {
  assert.equal(logIn({ password: "wrong" }).client, undefined);
  assert.equal(logIn({ username: "nobody", stored: decoy }).client, undefined);
  assert.equal(logIn({ serverSetup: createServerSetup() }).client, undefined);
});

Deno.test("a record of one user is of no use for another", () => {
  assert.equal(logIn({ username: "bob" }).client, undefined);
});

Deno.test("the spelling of a name does not matter: Alice is alice", () => {
  const { client, server } = logIn({ username: "ALICE" });
  assert.ok(client !== undefined);
  assert.deepEqual(client, server);
});

Deno.test("an unknown user's answer has the form of a known user's", () => {
  const known = logIn({ password: "wrong" }).ke2;
  const unknown = logIn({ username: "nobody", stored: decoy }).ke2;
  assert.equal(unknown.length, known.length);
  assert.match(unknown, /^[A-Za-z0-9_-]+$/);
});

Deno.test("an unknown user's masked answers are new at each try, as a known user's are", () => {
  const answer = (stored: string): string => logIn({ password: "wrong", stored }).ke2;
  for (const stored of [record, decoy]) {
    const [one, other] = [answer(stored), answer(stored)];
    for (let at = 0; at + 16 <= one.length; at++) {
      assert.ok(!other.includes(one.slice(at, at + 16)), `the same at ${at}`);
    }
  }
});

Deno.test("a login takes the server's key pair: who has the record alone cannot answer", () => {
  const thief = createServerSetup();
  assert.equal(logIn({ serverSetup: thief, stored: record }).client, undefined);
});

Deno.test("serverLoginFinish() refuses another login's proof and a malformed one alike", () => {
  const { pending, ke1 } = clientLoginStart("alice", "right");
  const first = serverLoginStart(setup, "alice", record, ke1);
  const second = serverLoginStart(setup, "alice", record, ke1);
  const keys = clientLoginFinish(pending, first.ke2);
  assert.ok(keys !== undefined);
  assert.equal(serverLoginFinish(second.pending, "alice", keys.ke3), undefined);
  assert.equal(serverLoginFinish(first.pending, "alice", "AAAA"), undefined);
  assert.deepEqual(
    serverLoginFinish(first.pending, "alice", keys.ke3)?.sessionKey,
    keys.sessionKey,
  );
});

Deno.test("messages that are not OPAQUE's are the peer's fault", () => {
  const { pending } = clientLoginStart("alice", "right");
  const registration = clientRegisterStart("alice", "right");
  for (
    const act of [
      () => serverLoginStart(setup, "alice", record, "AAAA"),
      () => clientLoginFinish(pending, "AAAA"),
      () => serverRegister(setup, "alice", "AAAA"),
      () => clientRegisterFinish(registration.pending, "AAAA"),
    ]
  ) {
    assertThrows(act, PeerError, "message-invalid");
  }
});
