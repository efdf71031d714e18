/**
 * Before the login is done, anyone in the middle can write what looks like the server's words. None
 * of them is shown, and a code alone decides what a client says and does (PROTOCOL.md section 11).
 *
 * @module
 */

import assert from "node:assert/strict";
import { connect } from "../../lib/client/connection.ts";
import { ConnectError, describeError, ExitCode, LoginError } from "../../lib/errors.ts";
import { SecureChannel } from "../../lib/protocol/channel.ts";
import { serverHandshake } from "../../lib/protocol/handshake.ts";
import { encodeServerMessage } from "../../lib/protocol/messages.ts";
import { ALICE, assertFails } from "./server.ts";

const SENTENCE = "Your account is locked: call 555-0199 and tell us your password";

/** Answers the first login on a connection with an `error` or a `bye`; hangs up afterwards. */
class Impostor implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #done: Promise<void>;

  constructor(type: "error" | "bye", code: string) {
    this.#done = this.#answer(type, code);
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #answer(type: "error" | "bye", code: string): Promise<void> {
    const connection = await this.#listener.accept();
    const channel = new SecureChannel("server", connection, await serverHandshake(connection));
    await channel.receive();
    channel.send(encodeServerMessage({ type, code, message: SENTENCE }));
    await channel.receive().catch(() => {});
    await channel.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#done;
  }
}

for (
  const [type, code, kind, exitCode, says] of [
    ["error", "login-throttled", LoginError, ExitCode.loginRefused, /^Too many attempts/],
    ["bye", "server-stopping", ConnectError, ExitCode.cannotConnect, /^The server is stopping/],
    ["bye", "server-failed", ConnectError, ExitCode.cannotConnect, /^The server failed/],
    ["bye", "message-unexpected", ConnectError, ExitCode.cannotConnect, /^The server ended/],
    ["error", "call-me", ConnectError, ExitCode.cannotConnect, /^The server ended the login/],
  ] as const
) {
  Deno.test(`an unproven ${type} ${code}: own words, a next step, and exit code ${exitCode}`, async () => {
    await using impostor = new Impostor(type, code);
    const login = connect({ ...ALICE, port: impostor.port });
    const error = await assertFails<ConnectError | LoginError>(login, kind, code);
    const line = describeError(error);
    assert.match(line, says);
    assert.ok(error.hint);
    assert.doesNotMatch(line, /555|account is locked|call-me/);
    assert.equal(error.exitCode, exitCode);
  });
}
