/**
 * A server that a client program really logs in to, and that then says what the test wants.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  createServerSetup,
  opaqueReady,
  registerLocally,
  serverLoginFinish,
  serverLoginStart,
} from "../../lib/auth/opaque.ts";
import type { Credentials } from "../../lib/client/login.ts";
import { decodeClientMessage, encodeServerMessage } from "../../lib/protocol/messages.ts";
import { PuppetServer } from "../client/puppet_server.ts";

await opaqueReady;

/** See the module's description. It has one account. */
export class HostileServer extends PuppetServer {
  readonly #setup = createServerSetup();
  readonly #record: string;

  constructor({ username, password }: Credentials) {
    super();
    this.user = username;
    this.#record = registerLocally(this.#setup, username, password);
  }

  /** Takes a program's connection, up to its `join`, which it answers. */
  async meet(): Promise<void> {
    await this.acceptAgain();
  }

  /** A login as a real server does it, up to `welcome`. */
  protected override async logIn(): Promise<void> {
    const encodedStart = await this.channel.receive() as Uint8Array;
    const start = decodeClientMessage(encodedStart);
    assert.ok(start.type === "login_start");
    const { username, ke1 } = start;
    const { pending, ke2 } = serverLoginStart(this.#setup, username, this.#record, ke1);
    const response = encodeServerMessage({ type: "login_response", ke2 });
    this.channel.send(response);
    const encodedFinish = await this.channel.receive() as Uint8Array;
    const finish = decodeClientMessage(encodedFinish);
    assert.ok(finish.type === "login_finish");
    const keys = serverLoginFinish(pending, username, finish.ke3);
    assert.ok(keys !== undefined);
    this.channel.rekey(keys.sessionKey, [encodedStart, response, encodedFinish]);
    this.say({ type: "welcome", user: this.user });
  }
}
