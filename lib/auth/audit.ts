/**
 * The audit trail: what operators did, to whom, why and when. Entries are only ever added.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { DatabaseAccess } from "../database_access.ts";

/** How the trail calls who ran the server's own commands. No account can have the name. */
export const CONSOLE_NAME = "console";

/** What an operator did. */
export interface Deed {
  /** The account of who did it, or {@linkcode CONSOLE_NAME}. */
  actor: string;
  /** One word, such as `ban`. */
  action: string;
  /** An account, a room or an invite. */
  target: string;
  /** The room that it was done in, if in one. */
  room?: string | undefined;
  /** When it ends by itself, if it does: ISO 8601, UTC. */
  until?: string | undefined;
  /** Why, or what was set; empty if there is nothing to say. */
  reason: string;
}

/** An entry of the trail, as {@linkcode Deed} says. */
export interface AuditEntry {
  /** Counts upwards; never used twice. */
  id: number;
  /** ISO 8601, UTC. */
  at: string;
  actor: string;
  action: string;
  target: string;
  room: string | null;
  until: string | null;
  reason: string;
}

/** The audit trail of one database. Each method throws an `EnvironmentError` if that fails. */
export class AuditTrail {
  readonly #access: DatabaseAccess;

  /** `path` is for error messages. */
  constructor(database: DatabaseSync, path: string) {
    this.#access = new DatabaseAccess(database, path);
  }

  /** Adds an entry, in the transaction around it: what was done and its entry stand or fall together. */
  note(deed: Deed, now = new Date()): void {
    const { actor, action, target, room = null, until = null, reason } = deed;
    this.#access.change(
      `INSERT INTO audit (at, actor, action, target, room, until, reason)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...[now.toISOString(), actor, action, target, room, until, reason],
    );
  }

  /**
   * The last entries, the newest last.
   *
   * @param limit how many, at most.
   * @param before only entries with a smaller id.
   */
  read(limit: number, before: number = Number.MAX_SAFE_INTEGER): AuditEntry[] {
    return this.#access.all<AuditEntry>(
      `SELECT id, at, actor, action, target, room, until, reason FROM audit
       WHERE id < ? ORDER BY id DESC LIMIT ?`,
      ...[before, limit],
    ).reverse();
  }
}
