/**
 * What an account may do at the moment, as the database has it. Other processes change it at any
 * time: whoever keeps it has to look again when the database has changed.
 *
 * @module
 */

import type { Accounts, Role } from "../auth/accounts.ts";
import type { Sanction, Sanctions } from "../auth/sanctions.ts";

/** See the module's description. */
export interface Standing {
  role: Role;
  /** It is the demo account, which ends with the first other one. */
  demo: boolean;
  /** Another one is another account of the same name, or asks for new logins. */
  identity: string;
  /** It may not be here. */
  ban: Sanction | undefined;
  /** It may not write to open rooms. */
  mute: Sanction | undefined;
}

/** An account's standing; undefined if there is no such account. */
export function readStanding(
  accounts: Accounts,
  sanctions: Sanctions,
  user: string,
): Standing | undefined {
  const account = accounts.find(user);
  if (account === undefined) return undefined;
  return {
    role: account.role,
    demo: account.demo,
    identity: `${account.created_at} ${account.sessionEpoch}`,
    ban: sanctions.find(user, "ban"),
    mute: sanctions.find(user, "mute"),
  };
}

/** A sentence for whom a ban keeps out. */
export function describeBan({ until, reason }: Sanction): string {
  return sentence(`You are banned ${formatUntil(until)}`, reason);
}

/** A sentence for whom a mute keeps silent. */
export function describeMute({ until, reason }: Sanction): string {
  return sentence(`You are muted ${formatUntil(until)}`, reason);
}

/** `until 2026-11-25 10:30 UTC`, or `for good`. */
function formatUntil(until: string | undefined): string {
  return until === undefined ? "for good" : `until ${until.slice(0, 16).replace("T", " ")} UTC`;
}

/** What happened, and the reason if one was given. */
export function sentence(what: string, reason: string): string {
  return reason === "" ? what : `${what}: ${reason}`;
}
