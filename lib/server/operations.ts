/**
 * What operators do, each in one transaction with its entry in the audit trail: both happen, or
 * neither. Whoever acts has to be an operator at that moment, whatever was true before.
 *
 * Only the database is changed here: that a running server acts on it is the hub's part.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { type Account, Accounts, type Role } from "../auth/accounts.ts";
import { AuditTrail, CONSOLE_NAME, type Deed } from "../auth/audit.ts";
import { type SanctionKind, Sanctions } from "../auth/sanctions.ts";
import { DatabaseAccess } from "../database_access.ts";
import { Delivery } from "../delivery/delivery.ts";
import { formatDuration } from "../durations.ts";
import { CallerError, EnvironmentError } from "../errors.ts";
import { foldName, sameName } from "../folded_name.ts";
import { reason as reasonLine } from "../protocol/fields.ts";
import { MAX_REASON_CHARS } from "../protocol/limits.ts";
import { type Room, RoomTable } from "../rooms/room_table.ts";
import { Invitations } from "./invitations.ts";

/** Who runs the server's own commands, and may do everything. Never equal to an account's name. */
export const CONSOLE: unique symbol = Symbol("console");

/** Who acts: an account by its name, or the console. */
export type Actor = string | typeof CONSOLE;

/** A ban or a mute, as it is asked for. */
export interface Terms {
  /** Undefined for one that does not end by itself. */
  seconds?: number | undefined;
  /** Empty for none. */
  reason: string;
}

/** What was done to an account. */
export interface Done {
  /** Its name as it was registered. */
  account: string;
  /** When what was done ends by itself, if it does: ISO 8601, UTC. */
  until?: string | undefined;
}

/**
 * What operators do in one database. Each method throws an `EnvironmentError` if that fails, and
 * `not-operator` if the actor is none; those with a target `name-unknown`, and what acts against
 * somebody `target-self` and `target-operator`; a reason that is no line is `reason-invalid`.
 */
export class Operations {
  readonly accounts: Accounts;
  readonly sanctions: Sanctions;
  readonly audit: AuditTrail;
  readonly rooms: RoomTable;
  readonly invitations: Invitations;
  readonly delivery: Delivery;
  readonly #access: DatabaseAccess;
  readonly #now: () => Date;

  /** `path` is for error messages. */
  constructor(
    accounts: Accounts,
    database: DatabaseSync,
    path: string,
    now: () => Date = () => new Date(),
  ) {
    this.accounts = accounts;
    this.sanctions = new Sanctions(database, path);
    this.audit = new AuditTrail(database, path);
    this.rooms = new RoomTable(database, path);
    this.invitations = new Invitations(this, database, path, now);
    this.delivery = new Delivery(database, path);
    this.#access = new DatabaseAccess(database, path);
    this.#now = now;
  }

  /** Opens all that operators work with. */
  static async open(database: DatabaseSync, path: string): Promise<Operations> {
    return new Operations(await Accounts.open(database, path), database, path);
  }

  /** Bans an account, and ends its sessions. */
  ban(actor: Actor, name: string, terms: Terms): Done {
    return this.#perform(actor, () => {
      const done = this.#impose(actor, name, "ban", terms);
      this.accounts.endSessions(name);
      return done;
    });
  }

  /** Mutes an account. */
  mute(actor: Actor, name: string, terms: Terms): Done {
    return this.#impose(actor, name, "mute", terms);
  }

  /** Ends a ban. Throws `not-banned`. */
  unban(actor: Actor, name: string): Done {
    return this.#lift(actor, name, "ban");
  }

  /** Ends a mute. Throws `not-muted`. */
  unmute(actor: Actor, name: string): Done {
    return this.#lift(actor, name, "mute");
  }

  /** Notes that an account is taken out of a room; it may come back. Throws `room-unknown`. */
  kick(actor: Actor, name: string, room: string, reason: string): Done {
    checkReason(reason);
    return this.#perform(actor, () => {
      const { name: account } = this.#opponent(actor, name);
      this.rooms.getOpen(room);
      this.#note(actor, { action: "kick", target: account, room, reason });
      return { account };
    });
  }

  /** Ends all sessions of an account; it may log in again. */
  endSessions(actor: Actor, name: string, reason: string): Done {
    checkReason(reason);
    return this.#perform(actor, () => {
      const { name: account } = this.#opponent(actor, name);
      this.accounts.endSessions(account);
      this.#note(actor, { action: "end-sessions", target: account, reason });
      return { account };
    });
  }

  /** Makes an account an operator or a member. Throws `demo-account`, `name-reserved`. */
  setRole(actor: Actor, name: string, role: Role): Done {
    return this.#perform(actor, () => {
      const { name: account } = this.#opponent(actor, name);
      if (role === "operator") checkNotConsole(account);
      this.accounts.setRole(account, role);
      this.#note(actor, { action: "role", target: account, reason: role });
      return { account };
    });
  }

  /** Adds an account. Throws as {@linkcode Accounts.add}. Costs the key stretching. */
  addAccount(actor: Actor, name: string, password: string, role: Role): Done {
    this.#operator(actor); // before the key stretching, and again after it
    this.accounts.add(
      ...[name, password, role] as const,
      () => this.#note(actor, { action: "add", target: name, reason: role }),
    );
    return { account: name };
  }

  /**
   * Gives an account a new password, and ends its sessions. What the old one was the key to is gone:
   * the history of its sealed rooms, its identity. Throws as {@linkcode Accounts.setPassword}.
   */
  setPassword(actor: Actor, name: string, password: string): Done {
    const { name: account } = this.#opponent(actor, name);
    this.accounts.setPassword(account, password, () => {
      this.#opponent(actor, name); // again, after the key stretching
      this.delivery.forgetKeys(account);
      this.#note(actor, { action: "password", target: account, reason: "" });
    });
    return { account };
  }

  /** Removes an account. */
  removeAccount(actor: Actor, name: string): Done {
    return this.#perform(actor, () => {
      const { name: account } = this.#opponent(actor, name);
      this.delivery.rooms.releaseDirect(account);
      this.accounts.remove(account);
      this.#note(actor, { action: "remove", target: account, reason: "" });
      return { account };
    });
  }

  /** Makes an open room. Throws as {@linkcode RoomTable.create}. */
  createRoom(actor: Actor, name: string, topic: string): Room {
    return this.#perform(actor, () => {
      this.#note(actor, { action: "create-room", target: name, room: name, reason: topic });
      return this.rooms.create(name, topic);
    });
  }

  /** Says what a room is about. Throws as {@linkcode RoomTable.setTopic}. */
  setTopic(actor: Actor, name: string, topic: string): Room {
    return this.#perform(actor, () => {
      this.#note(actor, { action: "topic", target: name, room: name, reason: topic });
      this.rooms.setTopic(name, topic);
      return this.rooms.get(name);
    });
  }

  /** Sets a room's slow mode; 0 ends it. Throws as {@linkcode RoomTable.setSlow}. */
  setSlow(actor: Actor, name: string, seconds: number): Room {
    return this.#perform(actor, () => {
      const reason = seconds === 0 ? "off" : formatDuration(seconds);
      this.#note(actor, { action: "slow", target: name, room: name, reason });
      this.rooms.setSlow(name, seconds);
      return this.rooms.get(name);
    });
  }

  #impose(actor: Actor, name: string, kind: SanctionKind, { seconds, reason }: Terms): Done {
    checkReason(reason);
    return this.#perform(actor, () => {
      const { name: account } = this.#opponent(actor, name);
      const until = seconds === undefined
        ? undefined
        : new Date(this.#now().getTime() + seconds * 1_000).toISOString();
      this.sanctions.impose(account, kind, { until, reason });
      this.#note(actor, { action: kind, target: account, until, reason });
      return { account, until };
    });
  }

  #lift(actor: Actor, name: string, kind: SanctionKind): Done {
    return this.#perform(actor, () => {
      this.#operator(actor);
      const { name: account } = this.accounts.get(name);
      if (!this.sanctions.lift(account, kind, this.#now())) {
        const [code, state] = kind === "ban" ? ["not-banned", "banned"] : ["not-muted", "muted"];
        throw new EnvironmentError(code as string, `${account} is not ${state}`);
      }
      this.#note(actor, { action: `un${kind}`, target: account, reason: "" });
      return { account };
    });
  }

  /** Does it in one transaction. Who may not act is told so before it takes the database's lock. */
  #perform<T>(actor: Actor, work: () => T): T {
    this.#operator(actor);
    return this.#access.transaction(work);
  }

  /** The account that the actor may act against. */
  #opponent(actor: Actor, name: string): Account {
    this.#operator(actor);
    const account = this.accounts.get(name);
    if (actor === CONSOLE) return account;
    if (sameName(account.name, actor)) {
      throw new EnvironmentError("target-self", "Cannot do that to yourself");
    }
    if (account.role === "operator") {
      throw new EnvironmentError("target-operator", `${account.name} is an operator`, {
        hint: "make it a member first, with `user role` on the server's console",
      });
    }
    return account;
  }

  /** The actor as the audit trail calls it. Throws `not-operator`. */
  #operator(actor: Actor): string {
    if (actor === CONSOLE) return CONSOLE_NAME;
    const account = this.accounts.find(actor);
    if (account?.role === "operator") return account.name;
    throw new EnvironmentError("not-operator", "Only an operator can do that", {
      hint: "operators are made with `user role` on the server's console",
    });
  }

  #note(actor: Actor, deed: Omit<Deed, "actor">): void {
    this.audit.note({ ...deed, actor: this.#operator(actor) }, this.#now());
  }
}

function checkReason(reason: string): void {
  if (v.is(reasonLine, reason)) return;
  throw new CallerError("reason-invalid", "Cannot use this reason", {
    hint: `write one line of at most ${MAX_REASON_CHARS} characters`,
  });
}

/** An account of that name, from before it was reserved, would be the console in the audit trail. */
function checkNotConsole(account: string): void {
  if (foldName(account) !== CONSOLE_NAME) return;
  throw new CallerError("name-reserved", `${account} cannot be an operator: the name is reserved`, {
    hint: "add an account of another name",
  });
}
