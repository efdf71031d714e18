/**
 * What an account may do at the moment, as the database has it. Other processes change it at any
 * time: whoever keeps it has to look again when the database has changed.
 *
 * @module
 */

import type { Account, Accounts, Role } from "../auth/accounts.ts";
import type { Sanction, Sanctions } from "../auth/sanctions.ts";
import { foldName } from "../folded_name.ts";

/** See the module's description. */
export interface Standing {
  role: Role;
  /** It is the demo account, which ends with the first other one. */
  demo: boolean;
  /** The account's: see there. */
  sessionEpoch: number;
  /** It may not be here. */
  ban: Sanction | undefined;
  /** It may not write to open rooms. */
  mute: Sanction | undefined;
}

/** Where standings are read from. */
export interface Standings {
  accounts: Accounts;
  sanctions: Sanctions;
}

/** An account's standing; undefined if there is no such account. */
export function readStanding(
  { accounts, sanctions }: Standings,
  user: string,
): Standing | undefined {
  const account = accounts.find(user);
  if (account === undefined) return undefined;
  return toStanding(account, sanctions.find(user, "ban"), sanctions.find(user, "mute"));
}

/**
 * All accounts' standings by their names. Three queries, however many there are: thousands of single
 * ones would hold everyone up.
 */
export function readAllStandings({ accounts, sanctions }: Standings): Map<string, Standing> {
  const [bans, mutes] = [sanctions.all("ban"), sanctions.all("mute")];
  return new Map(
    accounts.list().map((account) => {
      const name = foldName(account.name);
      return [account.name, toStanding(account, bans.get(name), mutes.get(name))];
    }),
  );
}

function toStanding(
  { role, demo, sessionEpoch }: Account,
  ban: Sanction | undefined,
  mute: Sanction | undefined,
): Standing {
  return { role, demo, sessionEpoch, ban, mute };
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
