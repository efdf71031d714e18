/**
 * `/help`, over any table of commands: the first ones on one screen, all of them by what they are
 * about, or more about one.
 *
 * @module
 */

import { type ClientCommand, usageOf } from "./command.ts";

/** Commands about the same. */
export interface CommandGroup {
  title: string;
  commands: readonly ClientCommand[];
}

/** What `/help` needs of the table. */
export interface CommandTable {
  groups(): readonly CommandGroup[];
  /** Throws `CallerError` `command-unknown`. */
  find(name: string): ClientCommand;
}

/** Makes the command. */
export function helpFor({ groups, find }: CommandTable): ClientCommand {
  return {
    name: "help",
    aliases: ["?"],
    arguments: "[COMMAND|all]",
    help: "show these, all commands, or more about one",
    example: "/help join",
    isBasic: true,
    run({ say }, args): void {
      const word = args.wordIf(() => true);
      const lines = word === undefined
        ? overview(groups())
        : word === "all"
        ? allOf(groups())
        : explain(find(word));
      for (const line of lines) say(line);
    },
  };
}

function overview(groups: readonly CommandGroup[]): string[] {
  const all = groups.flatMap(({ commands }) => commands);
  const basic = all.filter(({ isBasic }) => isBasic);
  return [
    ...rows(basic, widthOf(basic)),
    `/help all shows ${all.length - basic.length} more, /help COMMAND tells more about one`,
    "//TEXT sends /TEXT; exit leaves, too",
  ];
}

function allOf(groups: readonly CommandGroup[]): string[] {
  const width = widthOf(groups.flatMap(({ commands }) => commands));
  return [
    ...groups.flatMap(({ title, commands }) => [`${title}:`, ...rows(commands, width)]),
    "//TEXT sends /TEXT; exit leaves, too; /help COMMAND tells more",
  ];
}

function widthOf(commands: readonly ClientCommand[]): number {
  return Math.max(...commands.map((command) => usageOf(command).length));
}

function rows(commands: readonly ClientCommand[], width: number): string[] {
  return commands.map((command) => `${usageOf(command).padEnd(width)}  ${command.help}`);
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
