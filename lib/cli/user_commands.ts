/**
 * The server's `user` commands: flags to options.
 *
 * @module
 */

import { Argument, type Command, Option } from "commander";
import type { Account, Role } from "../auth/accounts.ts";
import type { Sanction, SanctionKind, Sanctions } from "../auth/sanctions.ts";
import { CONSOLE, type Operations } from "../server/operations.ts";
import {
  operatorCommand,
  type OperatorFlags,
  type Outcome,
  type Work,
} from "./operator_command.ts";
import { complain } from "./program.ts";

interface Flags extends OperatorFlags {
  passwordFile?: string;
  role?: Role;
  reason?: string;
}

const ROLES: readonly Role[] = ["member", "operator"];

const ADD_HELP = `
A name has 1 to 32 letters (a-z), digits, dots, dashes and underscores, a letter
or digit first; case makes no difference. It must not be reserved, as "admin" is,
nor look like another account's name, as "a1ice" does beside "alice".`;

const DROPPED = "loses the history of its sealed rooms, which its old password alone opens, " +
  "and others see a new identity";
const REMOVED = "loses its sealed rooms for good: whoever has the name next is a new identity";

/** Adds `user add`, `passwd`, `role`, `kick`, `remove` and `list`. */
export function addUserCommands(program: Command, defaultDb: string): void {
  const user = program.command("user")
    .description("the accounts: add, passwd, role, kick, remove, list");
  const define = (
    usage: string,
    description: string,
    work: Work<Flags>,
    create = false,
  ): Command =>
    operatorCommand(user.command(usage).description(description), { defaultDb, create }, work);
  const passwordFile = [
    "--password-file <file>",
    "take the password from there (-: stdin)",
  ] as const;
  define("add <name>", "add an account; asks for its password", add, true)
    .option(...passwordFile)
    .addOption(new Option("--role <role>", "what it may do (default: member)").choices(ROLES))
    .addHelpText("after", ADD_HELP);
  define("passwd <name>", "give an account a new password; ends its sessions", passwd)
    .option(...passwordFile);
  define("role <name>", "make an account an operator, or a member again", setRole)
    .addArgument(new Argument("<role>").choices(ROLES));
  define("kick <name>", "end an account's sessions; it may log in again", kick)
    .option("--reason <text>", "why, for the audit trail");
  define("remove <name>", "remove an account and end its sessions; its messages stay", remove);
  define("list", "show all accounts", list);
}

async function add(operations: Operations, flags: Flags, name = ""): Promise<Outcome> {
  operations.accounts.checkNew(name); // before anybody types a password
  const { role = "member" } = flags;
  operations.addAccount(CONSOLE, name, await newPassword(name, flags), role);
  return {
    lines: [role === "member" ? `Added ${name}` : `Added ${name} as an operator`],
    json: [{ event: "user-added", name, role }],
  };
}

async function passwd(operations: Operations, flags: Flags, typed = ""): Promise<Outcome> {
  const { name } = operations.accounts.get(typed);
  warnOfVault(operations, name, DROPPED); // before anybody types a password
  operations.setPassword(CONSOLE, name, await newPassword(name, flags));
  return { lines: [`Changed ${name}'s password`], json: [{ event: "user-changed", name }] };
}

function setRole(operations: Operations, _: Flags, typed = "", role = ""): Outcome {
  const { account: name } = operations.setRole(CONSOLE, typed, role as Role);
  return {
    lines: [`${name} is ${role === "operator" ? "an operator" : "a member"} now`],
    json: [{ event: "user-role", name, role }],
  };
}

function kick(operations: Operations, { reason = "" }: Flags, typed = ""): Outcome {
  const { account: name } = operations.endSessions(CONSOLE, typed, reason);
  return { lines: [`Ended all sessions of ${name}`], json: [{ event: "user-kicked", name }] };
}

function remove(operations: Operations, _: Flags, typed = ""): Outcome {
  warnOfVault(operations, operations.accounts.get(typed).name, REMOVED);
  const { account: name } = operations.removeAccount(CONSOLE, typed);
  return {
    lines: [`Removed ${name} and ended its sessions`],
    json: [{ event: "user-removed", name }],
  };
}

/** What only the account's own password opens goes with it: says so, if there is anything. */
function warnOfVault({ delivery }: Operations, name: string, says: string): void {
  if (delivery.vault.list(name).length > 0) complain(`Note: ${name} ${says}`);
}

/** An account, as it is listed. */
interface Listed extends Omit<Account, "sessionEpoch"> {
  ban: Sanction | null;
  mute: Sanction | null;
}

const COLUMNS = ["NAME", "ROLE", "ADDED", ""].map((title) => ({ title }));

async function list({ accounts, sanctions }: Operations): Promise<Outcome> {
  const users = accounts.list().map((account) => describe(account, sanctions));
  const json = [{ users }];
  if (users.length === 0) {
    return { lines: ["No accounts yet: add one with `user add NAME`"], json };
  }
  const { formatTable } = await import("./table.ts");
  const rows = users.map((user) => [user.name, user.role, user.created_at, remarks(user)]);
  return { lines: formatTable(COLUMNS, rows), json };
}

function describe({ name, demo, created_at, role }: Account, sanctions: Sanctions): Listed {
  const find = (kind: SanctionKind): Sanction | null => sanctions.find(name, kind) ?? null;
  return { name, demo, created_at, role, ban: find("ban"), mute: find("mute") };
}

function remarks({ demo, ban, mute }: Listed): string {
  return [
    ...(demo ? ["(demo, on loopback only)"] : []),
    ...(ban === null ? [] : [`banned${ending(ban)}`]),
    ...(mute === null ? [] : [`muted${ending(mute)}`]),
  ].join("; ");
}

function ending({ until }: Sanction): string {
  return until === undefined ? "" : ` until ${until}`;
}

/** Loaded only here: the terminal costs a starting server a fifth of its time. */
async function newPassword(name: string, { passwordFile }: Flags): Promise<string> {
  const { passwordFromFile, promptNewPassword } = await import("./passwords.ts");
  return passwordFile === undefined
    ? await promptNewPassword(name)
    : await passwordFromFile(passwordFile);
}
