/**
 * The bytes of MLS commits and welcomes (RFC 9420 sections 12.4 and 12.4.3.1), opaque here: a commit
 * belongs to an entry of its room's log and stays as long as the log, a welcome until everyone to
 * whom it is addressed has taken it up.
 *
 * @module
 */

import type { DatabaseAccess } from "../database_access.ts";

/** A device of somebody's. */
export interface DeviceOf {
  user: string;
  device: number;
}

/** A welcome, and the place of its commit in the log. */
export interface StoredWelcome {
  seq: number;
  data: Uint8Array;
}

/** See the module's description. Each method throws an `EnvironmentError` if the database fails. */
export class Commits {
  readonly #access: DatabaseAccess;

  constructor(access: DatabaseAccess) {
    this.#access = access;
  }

  /** Keeps the commit that ends an epoch, with the `seq` of its entry. */
  add(room: string, seq: number, epoch: number, data: Uint8Array): void {
    this.#access.change(
      "INSERT INTO commits (room, seq, epoch, data) VALUES (?, ?, ?, ?)",
      ...[room, seq, epoch, data],
    );
  }

  /** The commit of an entry, if it is one. */
  find(room: string, seq: number): Uint8Array | undefined {
    const sql = "SELECT data FROM commits WHERE room = ? AND seq = ?";
    return this.#access.get<{ data: Uint8Array }>(sql, room, seq)?.data;
  }

  /** Keeps a commit's welcome for these devices, instead of those that they had in the room. */
  addWelcome(room: string, seq: number, data: Uint8Array, to: readonly DeviceOf[]): void {
    this.#access.transaction(() => {
      const sql = "INSERT INTO welcomes (room, seq, data) VALUES (?, ?, ?)";
      this.#access.change(sql, room, seq, data);
      for (const { user, device } of to) {
        this.#access.change(
          "INSERT OR REPLACE INTO welcomed (account, device, room, seq) VALUES (?, ?, ?, ?)",
          ...[user, device, room, seq],
        );
      }
      this.#tidy(room);
    });
  }

  /** The newest welcome of a device to a room that it has not taken up. */
  findWelcome(account: string, device: number, room: string): StoredWelcome | undefined {
    return this.#access.get<StoredWelcome>(
      `SELECT w.seq, w.data FROM welcomed d JOIN welcomes w ON w.room = d.room AND w.seq = d.seq
       WHERE d.account = ? AND d.device = ? AND d.room = ?`,
      ...[account, device, room],
    );
  }

  /** A device has taken up its welcome, if it had one. */
  takeUp(account: string, device: number, room: string): void {
    this.#access.transaction(() => {
      const sql = "DELETE FROM welcomed WHERE account = ? AND device = ? AND room = ?";
      if (this.#access.change(sql, account, device, room) > 0) this.#tidy(room);
    });
  }

  /** Nobody of an account needs a welcome any more: to a room, or to any. */
  forget(account: string, room?: string): void {
    this.#access.transaction(() => {
      const rooms = this.#access.all<{ room: string }>(
        "SELECT DISTINCT room FROM welcomed WHERE account = ? AND room = coalesce(?, room)",
        ...[account, room ?? null],
      );
      for (const { room } of rooms) {
        this.#access.change("DELETE FROM welcomed WHERE account = ? AND room = ?", account, room);
        this.#tidy(room);
      }
    });
  }

  /** Removes the welcomes to a room that nobody needs. */
  #tidy(room: string): void {
    this.#access.change(
      `DELETE FROM welcomes WHERE room = ? AND seq NOT IN (SELECT seq FROM welcomed WHERE room = ?)`,
      ...[room, room],
    );
  }
}
