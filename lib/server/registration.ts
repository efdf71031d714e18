/**
 * An account's change of its password: OPAQUE's registration (RFC 9807 section 5) on the server.
 *
 * @module
 */

import { type Vault, WRAP } from "../delivery/vault.ts";
import type { Account, Accounts } from "../auth/accounts.ts";
import { checkRecord, serverRegister } from "../auth/opaque.ts";
import { CallerError, EnvironmentError } from "../errors.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import { decodePart } from "../protocol/parts.ts";

/** One change of one account's password. */
export class Registration {
  readonly #accounts: Accounts;
  readonly #account: Account;
  readonly #vault: Vault;
  #begun = false;

  /** `account` is what its user has logged in to. */
  constructor(accounts: Accounts, account: Account, vault: Vault) {
    this.#accounts = accounts;
    this.#account = account;
    this.#vault = vault;
  }

  /**
   * The answer to the first message.
   *
   * @throws {PeerError} `message-invalid`.
   */
  start({ request }: MessageOf<ClientMessage, "register_start">): ServerMessage {
    const { name, demo } = this.#account;
    if (demo) {
      // The demo password is public: whoever changed it would lock everyone else out.
      const message = "The demo account's password cannot be changed";
      return { type: "error", code: "demo-account", message };
    }
    const response = serverRegister(this.#accounts.setup, name, request);
    this.#begun = true;
    return { type: "register_response", response };
  }

  /**
   * Stores the new record; undefined if no registration was begun. It can be used once.
   *
   * @throws {PeerError} `message-invalid` for a record that is none.
   * @throws {EnvironmentError} if it cannot be stored, or the account is not what it was.
   */
  finish(
    { record, wrap, wrap_version = 0 }: MessageOf<ClientMessage, "register_finish">,
  ): ServerMessage | undefined {
    if (!this.#begun) return undefined;
    this.#begun = false;
    const { name } = this.#account;
    checkRecord(this.#accounts.setup, name, record);
    if (wrap === undefined && this.#vault.version(name, WRAP) > 0) {
      const message = "The vault's key has to go with the password: use a newer client";
      return { type: "error", code: "vault-unwrapped", message };
    }
    const rewrap = (): void => {
      if (wrap !== undefined) this.#vault.put(name, WRAP, wrap_version, decodePart(wrap));
    };
    try {
      if (this.#accounts.changeRecord(this.#account, record, rewrap)) return { type: "registered" };
    } catch (error) {
      if (!(error instanceof CallerError)) throw error;
      return { type: "error", code: error.code, message: error.message };
    }
    throw new EnvironmentError("account-changed", "The account is not what it was at the login");
  }
}
