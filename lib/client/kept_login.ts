/**
 * Name and password of who is logged in, kept in memory: to log in again after an outage, and to
 * change the password.
 *
 * @module
 */

import { LoginError } from "../errors.ts";
import type { Address } from "./address.ts";
import { dialAndLogIn, type LoggedIn } from "./enter.ts";
import { changePassword, type Credentials, type Rewrap } from "./login.ts";
import type { Timing } from "./timing.ts";

/** What a connection needs of whoever knows the password. */
export interface Login {
  /**
   * Makes a channel that is logged in.
   *
   * @throws what {@linkcode dialAndLogIn} throws.
   */
  logIn(): Promise<LoggedIn>;
  /**
   * Gives the account another password.
   *
   * @param rewrap wraps the vault's keys anew, under the new password's export key.
   * @throws what {@linkcode dialAndLogIn} and {@linkcode changePassword} throw.
   */
  changePassword(current: string, next: string, rewrap: Rewrap): Promise<void>;
}

/** See the module's description. */
export class KeptLogin implements Login {
  readonly #address: Address;
  readonly #timing: Pick<Timing, "answerMs">;
  #credentials: Credentials;
  /** Whether the server took them once. */
  #wereRight: boolean;

  /** @param wereRight whether somebody has logged in with these by now. */
  constructor(
    address: Address,
    credentials: Credentials,
    timing: Pick<Timing, "answerMs">,
    wereRight = false,
  ) {
    this.#address = address;
    this.#credentials = credentials;
    this.#timing = timing;
    this.#wereRight = wereRight;
  }

  async logIn(): Promise<LoggedIn> {
    try {
      const loggedIn = await dialAndLogIn(this.#address, this.#credentials, this.#timing);
      this.#wereRight = true;
      return loggedIn;
    } catch (error) {
      throw this.#wereRight ? refusedNow(error) : error;
    }
  }

  /** On a connection of its own: a server takes a new password only right after a login. */
  async changePassword(current: string, next: string, rewrap: Rewrap): Promise<void> {
    const { username } = this.#credentials;
    const before = { username, password: current };
    const { channel } = await dialAndLogIn(this.#address, before, this.#timing);
    try {
      await changePassword(channel, username, next, rewrap);
      this.#credentials = { username, password: next };
    } finally {
      await channel.close();
    }
  }
}

/** Nobody has mistyped what was right before. */
function refusedNow(error: unknown): unknown {
  if (!(error instanceof LoginError) || error.code !== "login-refused") return error;
  return new LoginError(error.code, "Login refused: the password is not the one of before", {
    cause: error,
    hint: "log in with the new one; if nobody changed it, this is another server",
  });
}
