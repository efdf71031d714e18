/**
 * Key packages (RFC 9420 section 10) that devices have published, so that they can be added to rooms
 * while they are not there. Opaque bytes here: whoever takes one checks it.
 *
 * @module
 */

import type { DatabaseAccess } from "../database_access.ts";
import { CallerError } from "../errors.ts";
import { DELIVERY_LIMITS, type DeliveryLimits } from "./limits.ts";

/** A key package of a device. */
export interface PublishedPackage {
  device: number;
  data: Uint8Array;
}

/** The same with its account's name. */
export interface ClaimedPackage extends PublishedPackage {
  user: string;
}

interface Row extends PublishedPackage {
  id: number;
  /** How many the device has. */
  count: number;
}

/** See the module's description. Each method throws an `EnvironmentError` if the database fails. */
export class KeyPackages {
  readonly #access: DatabaseAccess;
  readonly #limits: DeliveryLimits;

  constructor(access: DatabaseAccess, limits: DeliveryLimits = DELIVERY_LIMITS) {
    this.#access = access;
    this.#limits = limits;
  }

  /** Puts these in the place of all that a device had published. */
  replace(account: string, device: number, packages: readonly Uint8Array[]): void {
    this.#access.transaction(() => {
      const sql = "DELETE FROM key_packages WHERE account = ? AND device = ?";
      this.#access.change(sql, account, device);
      for (const data of packages) {
        this.#access.change(
          "INSERT INTO key_packages (account, device, data) VALUES (?, ?, ?)",
          ...[account, device, data],
        );
      }
    });
  }

  /**
   * One package of each device of each account, the oldest first, and they are used up. A device's
   * last one stays: better used twice than nobody can add it (RFC 9420 section 16.8).
   *
   * @throws {CallerError} `no-keys` if one of them has none, `claim-too-large`; nothing is used up
   * then.
   */
  claim(accounts: readonly string[]): ClaimedPackage[] {
    return this.#access.transaction(() => {
      const claimed: ClaimedPackage[] = [];
      for (const user of accounts) {
        for (const { id, count, device, data } of this.#oldest(user)) {
          if (count > 1) this.#access.change("DELETE FROM key_packages WHERE id = ?", id);
          claimed.push({ user, device, data });
        }
        this.#checkSize(claimed);
      }
      return claimed;
    });
  }

  /** One package of each device of an account. Throws `no-keys`, `claim-too-large`. */
  look(user: string): ClaimedPackage[] {
    const seen = this.#oldest(user).map(({ device, data }) => ({ user, device, data }));
    this.#checkSize(seen);
    return seen;
  }

  /** Removes all packages of an account. */
  forget(account: string): void {
    this.#access.change("DELETE FROM key_packages WHERE account = ?", account);
  }

  #oldest(account: string): Row[] {
    const rows = this.#access.all<Row>(
      `SELECT min(id) AS id, device, data, count(*) AS count FROM key_packages
       WHERE account = ? GROUP BY device ORDER BY device`, // data is of the row with the least id
      account,
    );
    if (rows.length > 0) return rows;
    const says = `${account} has no device to let in: it was never here with a client for ` +
      "sealed rooms, or came just now";
    throw new CallerError("no-keys", says);
  }

  #checkSize(packages: readonly ClaimedPackage[]): void {
    const bytes = packages.reduce((sum, { data }) => sum + data.length, 0);
    const { claimedPackages, claimedBytes } = this.#limits;
    if (packages.length <= claimedPackages && bytes <= claimedBytes) return;
    throw new CallerError("claim-too-large", "Those have too many devices: ask for fewer people");
  }
}
