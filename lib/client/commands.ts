/**
 * What a typed line means: a message, or a command from one table.
 *
 * @module
 */

import { CallerError, describeError } from "../errors.ts";
import type { ChatConnection } from "./connection.ts";
import { MAX_HISTORY } from "./history.ts";
import { parseWholeNumber } from "./numbers.ts";

/** Older messages that `/history` shows. */
const DEFAULT_HISTORY = 50;

/** What a command can do. */
export interface CommandContext {
  chat: ChatConnection;
  /** Shows a line to the person; not for text from others. */
  say(line: string): void;
}

/** A command. Its result says whether to stay. */
interface ClientCommand {
  name: string;
  aliases: readonly string[];
  /** As in the help: `[COMMAND]`. */
  arguments: string;
  help: string;
  run(context: CommandContext, rest: string): "stay" | "leave";
}

const COMMANDS: readonly ClientCommand[] = [
  {
    name: "help",
    aliases: ["?"],
    arguments: "[COMMAND]",
    help: "show the commands, or one",
    run: ({ say }, rest) => {
      const chosen = rest === "" ? COMMANDS : [find(rest)];
      for (const command of chosen) say(describe(command));
      if (rest === "") say("//TEXT  send a text that begins with a slash; exit  leave");
      return "stay";
    },
  },
  {
    name: "head",
    aliases: [],
    arguments: "",
    help: "show the log's last entry that you saw; note it for later",
    run: ({ chat, say }) => {
      const { room, head } = chat.room;
      say(`${room} ${head.seq} ${head.chain}`);
      return "stay";
    },
  },
  {
    name: "history",
    aliases: [],
    arguments: "[NUMBER]",
    help: `show older messages, ${DEFAULT_HISTORY} if no number is given`,
    run: ({ chat, say }, rest) => {
      const bounds = { least: 1, most: MAX_HISTORY };
      const count = rest === "" ? DEFAULT_HISTORY : parseWholeNumber("/history", rest, bounds);
      chat.showHistory(count).catch((error) => {
        // Whatever else went wrong is an event.
        if (error instanceof CallerError) say(describeError(error));
      });
      return "stay";
    },
  },
  {
    name: "exit",
    aliases: ["quit", "leave"],
    arguments: "",
    help: "leave",
    run: () => "leave",
  },
];

/** A typed line's meaning. */
export type Meaning =
  | { kind: "nothing" }
  | { kind: "text"; text: string }
  | { kind: "command"; run(context: CommandContext): "stay" | "leave" };

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
  const [name = "", ...rest] = isExit ? ["exit"] : line.slice(1).trim().split(/\s+/);
  const command = find(name);
  return { kind: "command", run: (context) => command.run(context, rest.join(" ")) };
}

function find(name: string): ClientCommand {
  const wanted = name.toLowerCase().replace(/^\//, "");
  const found = COMMANDS.find((one) => one.name === wanted || one.aliases.includes(wanted));
  if (found !== undefined) return found;
  throw new CallerError("command-unknown", `There is no command /${name}`, {
    hint: "/help shows all; begin a text with // to send it with one slash",
  });
}

function describe({ name, aliases, arguments: args, help }: ClientCommand): string {
  const names = [name, ...aliases].map((one) => `/${one}`).join(", ");
  return `${names}${args === "" ? "" : ` ${args}`}  ${help}`;
}
