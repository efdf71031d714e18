/**
 * The server's `user` commands: flags to options.
 *
 * @module
 */

import type { Command } from "commander";
import type { Account, Accounts } from "../auth/accounts.ts";
import { sanitizeText } from "../client/terminal/sanitize.ts";
import { formatJson } from "../json_line.ts";
import { withAccounts } from "../server/commands.ts";
import { say } from "./program.ts";

interface Flags {
  db?: string;
  passwordFile?: string;
  json?: boolean;
}

/** What a command says: to people, or to programs. */
interface Outcome {
  /** Names may be anything here: an edited database has them as they are. */
  lines: string[];
  json: unknown;
}

type Work = (accounts: Accounts, flags: Flags, name: string) => Outcome | Promise<Outcome>;

/** Adds `user add`, `user passwd`, `user remove` and `user list`. */
export function addUserCommands(program: Command, defaultDb: string): void {
  const user = program.command("user").description("the accounts: add, passwd, remove, list");
  const define = (usage: string, description: string, work: Work, create = false): Command =>
    user.command(usage).description(description)
      .option("--db <file>", `the database (default: ${defaultDb})`)
      .option("--json", "say the outcome as JSON")
      .action(async (...given: unknown[]) => {
        const flags: Flags = (given.at(-1) as Command).optsWithGlobals();
        const name = typeof given[0] === "string" ? given[0] : "";
        const { lines, json } = await withAccounts(
          flags.db ?? defaultDb,
          { create },
          (accounts) => work(accounts, flags, name),
        );
        say(flags.json ? formatJson(json) : lines.map((line) => sanitizeText(line)).join("\n"));
      });
  const passwordFile = [
    "--password-file <file>",
    "take the password from there (-: stdin)",
  ] as const;
  define("add <name>", "add an account; asks for its password", add, true).option(...passwordFile);
  define("passwd <name>", "give an account a new password", passwd).option(...passwordFile);
  define("remove <name>", "remove an account; its messages stay", remove);
  define("list", "show all accounts", list);
}

async function add(accounts: Accounts, flags: Flags, name: string): Promise<Outcome> {
  accounts.add(name, await newPassword(name, flags));
  return { lines: [`Added ${name}`], json: { event: "user-added", name } };
}

async function passwd(accounts: Accounts, flags: Flags, name: string): Promise<Outcome> {
  accounts.setPassword(name, await newPassword(name, flags));
  return { lines: [`Changed ${name}'s password`], json: { event: "user-changed", name } };
}

function remove(accounts: Accounts, _: Flags, name: string): Outcome {
  accounts.remove(name);
  return {
    lines: [`Removed ${name}; who is connected now stays until leaving`],
    json: { event: "user-removed", name },
  };
}

function list(accounts: Accounts): Outcome {
  const users = accounts.list();
  return { lines: formatAccounts(users), json: { users } };
}

/** The accounts as a table. */
function formatAccounts(accounts: readonly Account[]): string[] {
  if (accounts.length === 0) return ["No accounts yet: add one with `user add NAME`"];
  const width = Math.max(4, ...accounts.map((account) => account.name.length));
  const rows = accounts.map(({ name, created_at, demo }) =>
    `${name.padEnd(width)}  ${created_at}${demo ? "  (demo, on loopback only)" : ""}`
  );
  return [`${"NAME".padEnd(width)}  ADDED`, ...rows];
}

/** Loaded only here: the terminal costs a starting server a fifth of its time. */
async function newPassword(name: string, { passwordFile }: Flags): Promise<string> {
  const { passwordFromFile, promptNewPassword } = await import("./passwords.ts");
  return passwordFile === undefined
    ? await promptNewPassword(name)
    : await passwordFromFile(passwordFile);
}
