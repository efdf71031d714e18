/**
 * The server's `user` commands: flags to options.
 *
 * @module
 */

import type { Command } from "commander";
import type { Accounts } from "../auth/accounts.ts";
import { formatJson } from "../json_line.ts";
import { formatAccounts, withAccounts } from "../server/commands.ts";
import { say } from "./program.ts";

interface Flags {
  db?: string;
  passwordFile?: string;
  json?: boolean;
}

/** What a command says: to people, or to programs. */
interface Outcome {
  text: string;
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
        const { text, json } = await withAccounts(
          flags.db ?? defaultDb,
          { create },
          (accounts) => work(accounts, flags, name),
        );
        say(flags.json ? formatJson(json) : text);
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
  return { text: `Added ${name}`, json: { event: "user-added", name } };
}

async function passwd(accounts: Accounts, flags: Flags, name: string): Promise<Outcome> {
  accounts.setPassword(name, await newPassword(name, flags));
  return { text: `Changed ${name}'s password`, json: { event: "user-changed", name } };
}

function remove(accounts: Accounts, _: Flags, name: string): Outcome {
  accounts.remove(name);
  return {
    text: `Removed ${name}; who is connected now stays until leaving`,
    json: { event: "user-removed", name },
  };
}

function list(accounts: Accounts): Outcome {
  const users = accounts.list();
  return { text: formatAccounts(users), json: { users } };
}

/** Loaded only here: the terminal costs a starting server a fifth of its time. */
async function newPassword(name: string, { passwordFile }: Flags): Promise<string> {
  const { passwordFromFile, promptNewPassword } = await import("./passwords.ts");
  return passwordFile === undefined
    ? await promptNewPassword(name)
    : await passwordFromFile(passwordFile);
}
