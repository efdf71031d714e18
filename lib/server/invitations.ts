/**
 * What is done with invites: issued and revoked on the server's console, redeemed by whoever proved
 * the code. Each in one transaction with its entry in the audit trail.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import type { Accounts, Role } from "../auth/accounts.ts";
import { type AuditTrail, CONSOLE_NAME } from "../auth/audit.ts";
import { createInviteCode, inviteId, inviteIdentity } from "../auth/invite_code.ts";
import {
  type Invite,
  Invites,
  type InviteState,
  MAX_INVITE_USES,
  stateOf,
} from "../auth/invites.ts";
import { registerLocally } from "../auth/opaque.ts";
import { DatabaseAccess } from "../database_access.ts";
import { CallerError, EnvironmentError } from "../errors.ts";
import { line } from "../protocol/fields.ts";
import type { RoomTable } from "../rooms/room_table.ts";
import { Dismissal } from "./explain.ts";

/** An invite as it is asked for. */
export interface InviteWish {
  /** For whom, for the operator's eyes: up to {@linkcode MAX_LABEL_CHARS} characters, or none. */
  label: string;
  role: Role;
  room: string;
  /** Accounts that it can make, up to {@linkcode MAX_INVITE_USES}. */
  uses: number;
  /** Seconds until it ends by itself; undefined if it does not. */
  seconds: number | undefined;
}

/** An invite that is ready to be issued. */
export interface DrawnInvite {
  invite: Invite;
  /** The secret: it is nowhere else, and cannot be found again. */
  code: string;
  /** OPAQUE's. */
  record: string;
}

/** What invites work with. */
interface Stores {
  accounts: Accounts;
  audit: AuditTrail;
  rooms: RoomTable;
}

/** Characters of a label: a name and an e-mail address. */
export const MAX_LABEL_CHARS = 100;

/** Why an invite that was proven lets nobody in, for its holder. */
const REFUSALS: { [state in Exclude<InviteState, "open">]: string } = {
  expired: "This invite has expired",
  revoked: "This invite was revoked",
  used: "This invite was used already",
};

/** The invites of one database. Each method throws an `EnvironmentError` if that fails. */
export class Invitations {
  readonly store: Invites;
  readonly #stores: Stores;
  readonly #access: DatabaseAccess;
  readonly #now: () => Date;

  /** `path` is for error messages. */
  constructor(stores: Stores, database: DatabaseSync, path: string, now: () => Date) {
    this.store = new Invites(database, path);
    this.#stores = stores;
    this.#access = new DatabaseAccess(database, path);
    this.#now = now;
  }

  /**
   * Draws a code and makes its record: nothing is stored yet. Takes some milliseconds, which is why
   * no transaction waits for it.
   *
   * @throws {CallerError} `uses-invalid`, `label-invalid`.
   */
  draw({ label, role, room, uses, seconds }: InviteWish): DrawnInvite {
    checkUses(uses);
    checkLabel(label);
    const code = createInviteCode();
    const id = inviteId(code);
    const now = this.#now();
    const expires = seconds === undefined ? null : new Date(now.getTime() + seconds * 1_000);
    const invite = {
      ...{ id, label, role, room, uses, uses_left: uses },
      ...{ created_at: now.toISOString(), expires_at: expires?.toISOString() ?? null },
      revoked_at: null,
    };
    const { setup } = this.#stores.accounts;
    return { invite, code, record: registerLocally(setup, inviteIdentity(id), code, "random") };
  }

  /** Issues invites: all of them, or none. Throws `room-unknown`, `room-sealed`. */
  issue(drawn: readonly DrawnInvite[]): void {
    this.#access.transaction(() => {
      for (const { invite, record } of drawn) {
        this.#stores.rooms.getOpen(invite.room);
        this.store.add(invite, record);
        this.#note("invite-create", invite, invite.label);
      }
    });
  }

  /**
   * Ends an invite that can be used.
   *
   * @param prefix its id, or as much of it as no other begins with.
   * @throws {EnvironmentError} `invite-unknown`, `invite-over`.
   * @throws {CallerError} `invite-ambiguous`.
   */
  revoke(prefix: string): Invite {
    return this.#access.transaction(() => {
      const invite = this.store.getByPrefix(prefix);
      const state = stateOf(invite, this.#now());
      if (state !== "open") {
        throw new EnvironmentError("invite-over", `The invite ${invite.id} is ${state} already`, {
          hint: "nobody can join with it",
        });
      }
      this.store.revoke(invite.id, this.#now());
      this.#note("invite-revoke", invite, invite.label);
      return this.store.get(invite.id);
    });
  }

  /** The invite, as long as it can be used. Throws `Dismissal`: its holder may read why not. */
  getOpen(id: string): Invite {
    const invite = this.store.get(id);
    const state = stateOf(invite, this.#now());
    if (state === "open") return invite;
    throw new Dismissal(`invite-${state}`, REFUSALS[state]);
  }

  /**
   * Makes an account and takes one use of the invite for it: both, or neither.
   *
   * @throws as {@linkcode Invitations.getOpen} and {@linkcode Accounts.create}.
   */
  redeem(id: string, name: string, record: string): void {
    this.#access.transaction(() => {
      const { role, label, room } = this.getOpen(id);
      this.store.countDown(id);
      this.#stores.accounts.create(name, record, role);
      const reason = label === "" ? id : `${id}: ${label}`;
      const deed = { actor: name, action: "invite-used", target: name, room, reason };
      this.#stores.audit.note(deed, this.#now());
    });
  }

  #note(action: string, { id, room, expires_at }: Invite, reason: string): void {
    const until = expires_at ?? undefined;
    const deed = { actor: CONSOLE_NAME, action, target: id, room, until, reason };
    this.#stores.audit.note(deed, this.#now());
  }
}

function checkUses(uses: number): void {
  if (Number.isSafeInteger(uses) && uses >= 1 && uses <= MAX_INVITE_USES) return;
  throw new CallerError("uses-invalid", "Cannot make an invite for so many accounts", {
    hint: `use a whole number from 1 to ${MAX_INVITE_USES}`,
  });
}

function checkLabel(label: string): void {
  if (v.is(line(MAX_LABEL_CHARS), label)) return;
  throw new CallerError("label-invalid", "Cannot use this label", {
    hint: `write one line of at most ${MAX_LABEL_CHARS} characters`,
  });
}
