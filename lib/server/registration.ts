/**
 * An account's change of its password: OPAQUE's registration (RFC 9807 section 5) on the server.
 *
 * @module
 */

import type { Accounts } from "../auth/accounts.ts";
import { checkRecord, serverRegister } from "../auth/opaque.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";

/** One change of one account's password. */
export class Registration {
  readonly #accounts: Accounts;
  readonly #user: string;
  #begun = false;

  constructor(accounts: Accounts, user: string) {
    this.#accounts = accounts;
    this.#user = user;
  }

  /**
   * The answer to the first message.
   *
   * @throws {PeerError} `message-invalid`.
   */
  start({ request }: MessageOf<ClientMessage, "register_start">): ServerMessage {
    if (this.#accounts.find(this.#user)?.demo !== false) {
      // The demo password is public: whoever changed it would lock everyone else out.
      const message = "The demo account's password cannot be changed";
      return { type: "error", code: "demo-account", message };
    }
    const response = serverRegister(this.#accounts.setup, this.#user, request);
    this.#begun = true;
    return { type: "register_response", response };
  }

  /**
   * Stores the new record; undefined if no registration was begun. It can be used once.
   *
   * @throws {PeerError} `message-invalid` for a record that is none.
   */
  finish({ record }: MessageOf<ClientMessage, "register_finish">): ServerMessage | undefined {
    if (!this.#begun) return undefined;
    this.#begun = false;
    checkRecord(this.#accounts.setup, this.#user, record);
    this.#accounts.setRecord(this.#user, record);
    return { type: "registered" };
  }
}
