/**
 * `/help`, over any table of commands.
 *
 * @module
 */

import { type ClientCommand, usageOf } from "./command.ts";

/** What `/help` needs of the table. */
export interface CommandTable {
  all(): readonly ClientCommand[];
  /** Throws `CallerError` `command-unknown`. */
  find(name: string): ClientCommand;
}

/** Makes the command. */
export function helpFor({ all, find }: CommandTable): ClientCommand {
  return {
    name: "help",
    aliases: ["?"],
    arguments: "[COMMAND]",
    help: "show the commands, or more about one",
    example: "/help join",
    run({ say }, args): void {
      const lines = args.rest === "" ? overview(all()) : explain(find(args.word()));
      for (const line of lines) say(line);
    },
  };
}

function overview(commands: readonly ClientCommand[]): string[] {
  const width = Math.max(...commands.map((command) => usageOf(command).length));
  return [
    ...commands.map((command) => `${usageOf(command).padEnd(width)}  ${command.help}`),
    "//TEXT sends /TEXT; exit leaves, too; /help COMMAND tells more",
  ];
}

/** Usage, other names, an example. */
function explain(command: ClientCommand): string[] {
  const { aliases, details, example } = command;
  return [
    `${usageOf(command)}  ${command.help}`,
    ...(details === undefined ? [] : [details]),
    ...(aliases.length === 0 ? [] : [`The same: ${aliases.map((one) => `/${one}`).join(", ")}`]),
    `For example: ${example}`,
  ];
}
