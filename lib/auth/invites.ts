/**
 * Invites: leave to make an account, for who knows a code. In the database an invite is an OPAQUE
 * record with the code as its password: a thief of it can neither use nor guess what he finds.
 *
 * An invite that is over stays: whoever still tries it learns why, and the operator sees who came.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { DatabaseAccess } from "../database_access.ts";
import { CallerError, EnvironmentError } from "../errors.ts";
import { quoteText } from "../json_line.ts";
import type { Role } from "./accounts.ts";

/** Accounts that one invite can make: more than a school has. */
export const MAX_INVITE_USES = 10_000;

/** An invite, without its record. */
export interface Invite {
  /** 16 hex digits: see `inviteId`. */
  id: string;
  /** For whom, as the operator noted it; may be empty. */
  label: string;
  /** What the new account may do. */
  role: Role;
  /** Where its user begins. */
  room: string;
  /** Accounts that it could make at first, from 1 to {@linkcode MAX_INVITE_USES}. */
  uses: number;
  /** Those that it still can make. */
  uses_left: number;
  /** ISO 8601, UTC, as all times here. */
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
}

/** Whether an invite can be used, or why not. */
export type InviteState = "open" | "revoked" | "used" | "expired";

const COLUMNS =
  "id, label, role, room, uses, uses_left, created_at, expires_at, revoked_at, record";

/** A row in either case, as for accounts: how long it takes does not tell. */
const FIND_OR_DECOY = `
  SELECT ${COLUMNS} FROM invites WHERE id = ?
  UNION ALL SELECT '', '', 'member', '', 0, 0, '', NULL, NULL, ? LIMIT 1`;

type Row = Invite & { record: string };

/** Whether an invite can be used at a time, or what stands in the way. */
export function stateOf(
  { revoked_at, uses_left, expires_at }: Invite,
  now: Date = new Date(),
): InviteState {
  if (revoked_at !== null) return "revoked";
  if (uses_left === 0) return "used";
  return expires_at !== null && expires_at <= now.toISOString() ? "expired" : "open";
}

/** The invites of one database. Each method throws an `EnvironmentError` if that fails. */
export class Invites {
  readonly #access: DatabaseAccess;

  /** `path` is for error messages. */
  constructor(database: DatabaseSync, path: string) {
    this.#access = new DatabaseAccess(database, path);
  }

  /** Adds an invite with the OPAQUE record of its code. */
  add(invite: Invite, record: string): void {
    const { id, label, role, room, uses, uses_left } = invite;
    const { created_at, expires_at, revoked_at } = invite;
    this.#access.change(
      `INSERT INTO invites (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[id, label, role, room, uses, uses_left, created_at, expires_at, revoked_at, record],
    );
  }

  /** All invites, the newest last. */
  list(): Invite[] {
    return this.#access.all<Row>(`SELECT ${COLUMNS} FROM invites ORDER BY created_at, id`)
      .map(withoutRecord);
  }

  /** The invite of that id. Throws `invite-unknown`. */
  get(id: string): Invite {
    const row = this.#access.get<Row>(`SELECT ${COLUMNS} FROM invites WHERE id = ?`, id);
    if (row === undefined) throw unknown(id);
    return withoutRecord(row);
  }

  /**
   * The invite whose id begins so.
   *
   * @throws {EnvironmentError} `invite-unknown`.
   * @throws {CallerError} `invite-ambiguous` if there are more.
   */
  getByPrefix(prefix: string): Invite {
    const rows = this.#access.all<Row>(
      `SELECT ${COLUMNS} FROM invites WHERE substr(id, 1, ?) = ? LIMIT 2`,
      ...[prefix.length, prefix.toLowerCase()],
    );
    const [row, other] = rows;
    if (row === undefined || prefix === "") throw unknown(prefix);
    if (other === undefined) return withoutRecord(row);
    throw new CallerError("invite-ambiguous", `More than one invite begins with ${prefix}`, {
      hint: "give more of the id",
    });
  }

  /**
   * The invite and its record for somebody who wants to prove its code; `decoy` if there is no such
   * invite: how long it takes does not tell.
   */
  findForLogin(id: string, decoy: string): { invite: Invite | undefined; record: string } {
    const row = this.#access.get<Row>(FIND_OR_DECOY, id, decoy) as Row;
    return { invite: row.id === "" ? undefined : withoutRecord(row), record: row.record };
  }

  /** Takes one use of an invite that has one. */
  countDown(id: string): void {
    this.#access.change("UPDATE invites SET uses_left = uses_left - 1 WHERE id = ?", id);
  }

  /** Ends an invite. Throws `invite-unknown`. */
  revoke(id: string, now: Date): void {
    const sql = "UPDATE invites SET revoked_at = ? WHERE id = ?";
    if (this.#access.change(sql, now.toISOString(), id) === 0) throw unknown(id);
  }
}

function withoutRecord({ record: _, ...invite }: Row): Invite {
  return { ...invite };
}

function unknown(id: string): EnvironmentError {
  return new EnvironmentError("invite-unknown", `There is no invite ${quoteText(id)}`, {
    hint: "`invite list` shows all invites",
  });
}
