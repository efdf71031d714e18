/**
 * A command of the server's operator: opens the database, does one thing, says what was done.
 *
 * @module
 */

import type { Command } from "commander";
import { sanitizeText } from "../client/terminal/sanitize.ts";
import { formatJson } from "../json_line.ts";
import { withOperations } from "../server/commands.ts";
import type { Operations } from "../server/operations.ts";
import { say } from "./program.ts";

/** What all these commands take. */
export interface OperatorFlags {
  db?: string;
  json?: boolean;
}

/** What a command says: to people, or to programs. */
export interface Outcome {
  /** Names may be anything here: an edited database has them as they are. */
  lines: string[];
  /** One value a line. */
  json: unknown[];
}

/** What a command does, with its arguments in their order. */
export type Work<Flags> = (
  operations: Operations,
  flags: Flags,
  ...args: string[]
) => Outcome | Promise<Outcome>;

/** Gives a command its work, and the flags that they all take. */
export function operatorCommand<Flags extends OperatorFlags>(
  command: Command,
  { defaultDb, create = false }: { defaultDb: string; create?: boolean },
  work: Work<Flags>,
): Command {
  return command
    .option("--db <file>", `the database (default: ${defaultDb})`)
    .option("--json", "say the outcome as JSON")
    .action(async () => {
      const flags: Flags = command.optsWithGlobals();
      const { lines, json } = await withOperations(
        flags.db ?? defaultDb,
        { create },
        (operations) => work(operations, flags, ...command.args),
      );
      const said = flags.json ? json.map(formatJson) : lines.map((line) => sanitizeText(line));
      if (said.length > 0) say(said.join("\n"));
    });
}
