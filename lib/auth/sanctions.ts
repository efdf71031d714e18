/**
 * Bans and mutes: what an account may not do, for a time or without an end. They outlive restarts.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { DatabaseAccess } from "../database_access.ts";
import { foldName } from "../folded_name.ts";

/** Nobody who is banned can log in; who is muted cannot send to open rooms. */
export type SanctionKind = "ban" | "mute";

/** A ban or a mute that holds. */
export interface Sanction {
  /** When it ends by itself (ISO 8601, UTC); undefined if it does not. */
  until: string | undefined;
  /** Empty if none was given. */
  reason: string;
}

interface Row {
  until: string | null;
  reason: string;
}

/** The bans and mutes of one database. Each method throws an `EnvironmentError` if that fails. */
export class Sanctions {
  readonly #access: DatabaseAccess;

  /** `path` is for error messages. */
  constructor(database: DatabaseSync, path: string) {
    this.#access = new DatabaseAccess(database, path);
  }

  /** The ban or mute that holds for an account, by its name in any case of letters. */
  find(account: string, kind: SanctionKind, now = new Date()): Sanction | undefined {
    const row = this.#access.get<Row>(
      `SELECT until, reason FROM sanctions
       WHERE account = ? AND kind = ? AND (until IS NULL OR until > ?)`,
      ...[account, kind, now.toISOString()],
    );
    return row && toSanction(row);
  }

  /** All bans or all mutes that hold, by the accounts' names as {@linkcode foldName} has them. */
  all(kind: SanctionKind, now = new Date()): Map<string, Sanction> {
    const rows = this.#access.all<Row & { account: string }>(
      `SELECT account, until, reason FROM sanctions
       WHERE kind = ? AND (until IS NULL OR until > ?)`,
      ...[kind, now.toISOString()],
    );
    return new Map(rows.map((row) => [foldName(row.account), toSanction(row)]));
  }

  /** Bans or mutes an account; takes the place of what held before. */
  impose(account: string, kind: SanctionKind, { until, reason }: Sanction): void {
    this.#access.change(
      "INSERT OR REPLACE INTO sanctions (account, kind, until, reason) VALUES (?, ?, ?, ?)",
      ...[account, kind, until ?? null, reason],
    );
  }

  /** Ends a ban or a mute; returns whether there was one that held. */
  lift(account: string, kind: SanctionKind, now = new Date()): boolean {
    return this.#access.transaction(() => {
      const held = this.find(account, kind, now) !== undefined;
      this.#access.change("DELETE FROM sanctions WHERE account = ? AND kind = ?", account, kind);
      return held;
    });
  }
}

function toSanction({ until, reason }: Row): Sanction {
  return { until: until ?? undefined, reason };
}
