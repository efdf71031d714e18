/**
 * The vault: blobs that accounts keep on the server, encrypted under keys that it never has. What is
 * in them is the clients' affair (PROTOCOL.md section 12).
 *
 * @module
 */

import type { DatabaseAccess } from "../database_access.ts";
import { CallerError } from "../errors.ts";
import { MAX_BLOB_BYTES } from "../protocol/limits.ts";
import { DELIVERY_LIMITS, type DeliveryLimits } from "./limits.ts";

/** The blob that holds the vault's key, wrapped under the account's password. */
export const WRAP = "wrap";

/** A blob, as a list shows it. */
export interface BlobInfo {
  name: string;
  version: number;
  /** Bytes. */
  size: number;
}

/** A blob. */
export interface StoredBlob {
  /** Counts from 1. */
  version: number;
  data: Uint8Array;
}

/** The blobs of all accounts. Each method throws an `EnvironmentError` if the database fails. */
export class Vault {
  readonly #access: DatabaseAccess;
  readonly #limits: DeliveryLimits;

  constructor(access: DatabaseAccess, limits: DeliveryLimits = DELIVERY_LIMITS) {
    this.#access = access;
    this.#limits = limits;
  }

  /** An account's blobs by name. */
  list(account: string): BlobInfo[] {
    const rows = this.#access.all<BlobInfo>(
      "SELECT name, version, length(data) AS size FROM blobs WHERE account = ? ORDER BY name",
      account,
    );
    return rows.map(({ name, version, size }) => ({ name, version, size }));
  }

  /** The numbers of the account's devices that have a record there, the lowest first. */
  devices(account: string): number[] {
    const numbers = this.list(account).map(({ name }) => /^device\/(\d+)$/.exec(name)?.[1]);
    return numbers.filter((one) => one !== undefined).map(Number).sort((a, b) => a - b);
  }

  /** The blob of that name, if there is one. */
  find(account: string, name: string): StoredBlob | undefined {
    const sql = "SELECT version, data FROM blobs WHERE account = ? AND name = ?";
    return this.#access.get<StoredBlob>(sql, account, name);
  }

  /** Its version; 0 if there is none. */
  version(account: string, name: string): number {
    const sql = "SELECT version FROM blobs WHERE account = ? AND name = ?";
    return this.#access.get<{ version: number }>(sql, account, name)?.version ?? 0;
  }

  /**
   * Puts a blob in the place of the one of a version; 0 for none.
   *
   * @throws {CallerError} `blob-outdated` if another version is there, `blob-too-large`,
   * `vault-full`.
   */
  put(account: string, name: string, version: number, data: Uint8Array): void {
    this.#access.transaction(() => {
      const stored = this.version(account, name);
      if (stored !== version) {
        throw new CallerError("blob-outdated", `The vault has version ${stored} of ${name}`);
      }
      this.replace(account, name, data);
    });
  }

  /** The same, whatever version is there. Throws `blob-too-large`, `vault-full`. */
  replace(account: string, name: string, data: Uint8Array): void {
    if (data.length > MAX_BLOB_BYTES) {
      throw new CallerError("blob-too-large", `A blob has at most ${MAX_BLOB_BYTES} bytes`);
    }
    this.#access.transaction(() => {
      this.#checkRoom(account, name, data.length);
      this.#access.change(
        `INSERT INTO blobs (account, name, version, data) VALUES (?, ?, 1, ?)
         ON CONFLICT (account, name) DO UPDATE SET version = version + 1, data = excluded.data`,
        ...[account, name, data],
      );
    });
  }

  /** Removes all blobs of an account. */
  forget(account: string): void {
    this.#access.change("DELETE FROM blobs WHERE account = ?", account);
  }

  /** Removes what an account's devices keep of a room. */
  forgetRoom(account: string, room: string): void {
    const sql = "DELETE FROM blobs WHERE account = ? AND name GLOB ?";
    this.#access.change(sql, account, `device/*/${room}`); // a room's name has none of GLOB's signs
  }

  #checkRoom(account: string, name: string, size: number): void {
    const others = this.#access.get<{ blobs: number; bytes: number }>(
      `SELECT count(*) AS blobs, coalesce(sum(length(data)), 0) AS bytes FROM blobs
       WHERE account = ? AND name <> ?`,
      ...[account, name],
    ) ?? { blobs: 0, bytes: 0 };
    const { vaultBlobs, vaultBytes } = this.#limits;
    if (others.blobs < vaultBlobs && others.bytes + size <= vaultBytes) return;
    throw new CallerError(
      "vault-full",
      `A vault has at most ${vaultBlobs} blobs and ${vaultBytes} bytes`,
    );
  }
}
