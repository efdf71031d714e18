/**
 * The devices of accounts, and how often each was leased: whoever writes as a device has to name its
 * newest lease, so that of two sessions which believe to be it, one finds out.
 *
 * @module
 */

import type { DatabaseAccess } from "../database_access.ts";
import { CallerError } from "../errors.ts";

/** See the module's description. Each method throws an `EnvironmentError` if the database fails. */
export class Devices {
  readonly #access: DatabaseAccess;

  constructor(access: DatabaseAccess) {
    this.#access = access;
  }

  /** The number of a device's newest lease; 0 if it never had one. */
  newest(account: string, device: number): number {
    const sql = "SELECT lease FROM devices WHERE account = ? AND device = ?";
    return this.#access.get<{ lease: number }>(sql, account, device)?.lease ?? 0;
  }

  /** Passes if that is a device's newest lease. Throws {@linkcode CallerError} `lease-lost`. */
  check(account: string, device: number, lease: number): void {
    if (lease > 0 && this.newest(account, device) === lease) return;
    throw leaseLost(device);
  }

  /** Grants a new lease; returns its number. */
  grant(account: string, device: number): number {
    return this.#access.transaction(() => {
      this.#access.change(
        `INSERT INTO devices (account, device, lease) VALUES (?, ?, 1)
         ON CONFLICT (account, device) DO UPDATE SET lease = lease + 1`,
        ...[account, device],
      );
      return this.newest(account, device);
    });
  }

  /** Removes all devices of an account. */
  forget(account: string): void {
    this.#access.change("DELETE FROM devices WHERE account = ?", account);
  }
}

/** Another session is that device now. */
export function leaseLost(device: number): CallerError {
  return new CallerError("lease-lost", `This session is not device ${device} any more`);
}
