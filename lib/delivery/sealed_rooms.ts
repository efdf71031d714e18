/**
 * What a server knows of sealed rooms: their epochs, and who is in them from where on. Never a key,
 * never a text.
 *
 * @module
 */

import type { DatabaseAccess } from "../database_access.ts";
import { CallerError, EnvironmentError } from "../errors.ts";
import { foldName } from "../folded_name.ts";

/** A sealed room. */
export interface SealedRoom {
  room: string;
  /** Of its MLS group. */
  epoch: number;
  /** Of the epoch's Fernet key: 8 hex digits. */
  keyId: string;
  /** Of a direct room: both names, see {@linkcode peersOf}; else null. */
  peers: string | null;
}

/** A sealed room, to one of its members. */
export interface SealedMembership extends SealedRoom {
  /** The `seq` behind which the member's history begins. */
  since: number;
  /** Whether it may remove others. */
  admin: boolean;
}

type MembershipRow = Omit<SealedMembership, "admin"> & { admin: number };

const ROOM = "r.room, r.epoch, r.key_id AS keyId, r.peers";
const MEMBERSHIP = `SELECT ${ROOM}, m.since, m.admin
  FROM sealed_members m JOIN sealed_rooms r ON r.room = m.room`;

/** How a direct room's two members are stored: in small letters and in order, a space between. */
export function peersOf(first: string, second: string): string {
  return [first, second].map(foldName).sort().join(" ");
}

/** The one of a direct room's members who is not `user`, in small letters. */
export function otherPeer(peers: string, user: string): string {
  const [first = "", second = ""] = peers.split(" ");
  return first === foldName(user) ? second : first;
}

/** See the module's description. Each method throws an `EnvironmentError` if the database fails. */
export class SealedRooms {
  readonly #access: DatabaseAccess;

  constructor(access: DatabaseAccess) {
    this.#access = access;
  }

  /** A room as one of its members sees it; undefined for whoever is none. */
  find(room: string, account: string): SealedMembership | undefined {
    const sql = `${MEMBERSHIP} WHERE m.room = ? AND m.account = ?`;
    const row = this.#access.get<MembershipRow>(sql, room, account);
    return row && toMembership(row);
  }

  /** The same. Throws `room-unknown`: for who is no member, there is no such room. */
  get(room: string, account: string): SealedMembership {
    const found = this.find(room, account);
    if (found !== undefined) return found;
    throw new EnvironmentError("room-unknown", `There is no room ${room} here`);
  }

  /** The rooms that an account is a member of, by name. */
  roomsOf(account: string): SealedMembership[] {
    return this.#access.all<MembershipRow>(
      `${MEMBERSHIP} WHERE m.account = ? ORDER BY m.room`,
      account,
    )
      .map(toMembership);
  }

  /** How many rooms an account has made, and is in. */
  countMade(account: string): number {
    const sql = "SELECT count(*) AS n FROM sealed_members WHERE account = ? AND maker = 1";
    return this.#access.get<{ n: number }>(sql, account)?.n ?? 0;
  }

  /** The names of a room's members. */
  members(room: string): string[] {
    const sql = "SELECT account FROM sealed_members WHERE room = ? ORDER BY account";
    return this.#access.all<{ account: string }>(sql, room).map(({ account }) => account);
  }

  /** The names of those of them who may remove others. */
  admins(room: string): string[] {
    const sql = "SELECT account FROM sealed_members WHERE room = ? AND admin = 1 ORDER BY account";
    return this.#access.all<{ account: string }>(sql, room).map(({ account }) => account);
  }

  /** How many members each room has. */
  countMembers(): Map<string, number> {
    const sql = "SELECT room, count(*) AS n FROM sealed_members GROUP BY room";
    const rows = this.#access.all<{ room: string; n: number }>(sql);
    return new Map(rows.map(({ room, n }) => [room, n]));
  }

  /** The direct room of two accounts, if there is one and the first of them is in it. */
  findDirect(account: string, other: string): string | undefined {
    const sql = `${MEMBERSHIP} WHERE m.account = ? AND r.peers = ?`;
    return this.#access.get<MembershipRow>(sql, account, peersOf(account, other))?.room;
  }

  /** Adds a room whose name is free, with its first member, who is its admin. */
  add(room: Omit<SealedRoom, "epoch">, maker: string): void {
    this.#access.transaction(() => {
      this.#access.change(
        "INSERT INTO sealed_rooms (room, epoch, key_id, peers) VALUES (?, 0, ?, ?)",
        ...[room.room, room.keyId, room.peers],
      );
      this.#access.change(
        "INSERT INTO sealed_members (room, account, since, maker, admin) VALUES (?, ?, 0, 1, 1)",
        ...[room.room, maker],
      );
    });
  }

  /** Whether there is a direct room of two accounts; not if one of them has been in it and left. */
  hasDirect(peers: string): boolean {
    const sql = "SELECT 1 AS found FROM sealed_rooms WHERE peers = ?";
    return this.#access.get(sql, peers) !== undefined;
  }

  /** The direct rooms of an account are ordinary ones from now on: all, or one of them. */
  releaseDirect(account: string, room?: string): void {
    this.#access.change(
      `UPDATE sealed_rooms SET peers = NULL WHERE peers IS NOT NULL AND room = coalesce(?, room)
       AND room IN (SELECT room FROM sealed_members WHERE account = ?)`,
      ...[room ?? null, account],
    );
  }

  /**
   * Ends an epoch and begins the next one.
   *
   * @throws {CallerError} `epoch-outdated` unless it is the current one.
   */
  advance(room: string, epoch: number, keyId: string): void {
    const sql =
      "UPDATE sealed_rooms SET epoch = epoch + 1, key_id = ? WHERE room = ? AND epoch = ?";
    if (this.#access.change(sql, keyId, room, epoch) === 0) throw epochOutdated();
  }

  /** Makes an account a member: an admin if it was the last one, as it is by the group's rules. */
  admit(room: string, account: string, since: number): void {
    this.#access.transaction(() => {
      this.#access.change(
        `INSERT INTO sealed_members (room, account, since, maker, admin)
         SELECT room, ?, ?, 0, coalesce(last_admin = ?, 0) FROM sealed_rooms WHERE room = ?`,
        ...[account, since, account, room],
      );
      const sql = "UPDATE sealed_rooms SET last_admin = NULL WHERE room = ? AND last_admin = ?";
      this.#access.change(sql, room, account);
    });
  }

  /** Makes it none. */
  dismiss(room: string, account: string): void {
    this.#access.transaction(() => {
      const admins = this.admins(room);
      if (admins.length === 1 && admins[0] === account) {
        this.#access.change("UPDATE sealed_rooms SET last_admin = ? WHERE room = ?", account, room);
      }
      const sql = "DELETE FROM sealed_members WHERE room = ? AND account = ?";
      this.#access.change(sql, room, account);
    });
  }

  /** A member may remove others from now on, or may not any more. */
  setAdmin(room: string, account: string, admin: boolean): void {
    const sql = "UPDATE sealed_members SET admin = ? WHERE room = ? AND account = ?";
    this.#access.change(sql, Number(admin), room, account);
  }

  /** An account has lost the identity key by which it was an admin anywhere. */
  forgetAdmin(account: string): void {
    this.#access.transaction(() => {
      this.#access.change("UPDATE sealed_members SET admin = 0 WHERE account = ?", account);
      const sql = "UPDATE sealed_rooms SET last_admin = NULL WHERE last_admin = ?";
      this.#access.change(sql, account);
    });
  }
}

function toMembership(
  { room, epoch, keyId, peers, since, admin }: MembershipRow,
): SealedMembership {
  return { room, epoch, keyId, peers, since, admin: admin === 1 };
}

/** Another commit was faster. */
export function epochOutdated(): CallerError {
  return new CallerError("epoch-outdated", "The room is in another epoch by now");
}
