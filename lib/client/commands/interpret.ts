/**
 * What a typed line means: a message, or a command from the table.
 *
 * @module
 */

import { Arguments, type ClientCommand, type CommandContext } from "./command.ts";
import { findCommand } from "./table.ts";

/** A typed line's meaning. */
export type Meaning =
  | { kind: "nothing" }
  | { kind: "text"; text: string }
  | {
    kind: "command";
    command: ClientCommand;
    /** Whether it decides where the next lines go. */
    moves: boolean;
    /** Runs it; throws what it cannot do. */
    run(context: CommandContext): Promise<void>;
  };

/**
 * What a typed line means. An unknown command is an error and is never sent.
 *
 * @throws {CallerError} `command-unknown`.
 */
export function interpret(line: string): Meaning {
  if (line.trim() === "") return { kind: "nothing" };
  if (line.startsWith("//")) return { kind: "text", text: line.slice(1) };
  const isExit = line.trim() === "exit";
  if (!isExit && !line.startsWith("/")) return { kind: "text", text: line };
  const [, name = "", rest = ""] = /^\/?\s*(\S*)(.*)$/s.exec(line.trim()) ?? [];
  const command = findCommand(name);
  const args = new Arguments(command, rest);
  return {
    kind: "command",
    command,
    moves: command.moves?.(args.rest) ?? false,
    run: async (context) => await command.run(context, args),
  };
}
