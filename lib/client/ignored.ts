/**
 * Whom this client ignores, on this server and until it ends: nothing of them is shown. Their
 * messages are followed along the log's chain all the same.
 *
 * @module
 */

import { CallerError } from "../errors.ts";
import { isAccountName } from "../name_patterns.ts";

/** See the module's description. Names are compared without case. */
export class Ignored {
  readonly #user: string;
  /** As they were typed, by the names to compare. */
  readonly #names = new Map<string, string>();

  /** @param user the own account's name, which cannot be ignored. */
  constructor(user: string) {
    this.#user = user.toLowerCase();
  }

  /** Whether an account is ignored. */
  has(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  /** The names, in order. */
  get names(): string[] {
    return [...this.#names.values()].sort();
  }

  /**
   * Ignores an account, whether there is one of that name or not.
   *
   * @throws {CallerError} `name-invalid` if no account can have that name, or it is one's own.
   */
  add(name: string): void {
    if (!isAccountName(name)) {
      throw new CallerError("name-invalid", "No account can have that name", {
        hint: "/names shows who is here",
      });
    }
    if (name.toLowerCase() === this.#user) {
      throw new CallerError("name-invalid", "Nobody can ignore themselves");
    }
    this.#names.set(name.toLowerCase(), name);
  }

  /**
   * Ignores an account no longer.
   *
   * @throws {CallerError} `name-invalid` if it was not ignored.
   */
  remove(name: string): void {
    if (this.#names.delete(name.toLowerCase())) return;
    throw new CallerError("name-invalid", "Nobody of that name is ignored", {
      hint: "/ignore lists who is",
    });
  }
}
