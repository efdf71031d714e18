/**
 * Commands about what one reads: what to look for, whom to ignore, when to ring.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import { BELL_MODES, type BellMode } from "../bell.ts";
import type { Arguments, ClientCommand, CommandContext } from "./command.ts";

/** See the module's description. */
export const READING_COMMANDS: readonly ClientCommand[] = [
  {
    name: "search",
    aliases: [],
    arguments: "WORDS|more|stop",
    help: "find messages here that have all the words",
    details:
      'Newest first. Also "a phrase" and from:NAME. It looks at all that you can read here, in this ' +
      "client: the server does not learn the words. The words more and stop go in quotes.",
    example: '/search exam "on friday" from:alice',
    isBasic: true,
    run: search,
  },
  {
    name: "ignore",
    aliases: [],
    arguments: "[NAME]",
    help: "show nothing of someone, or list whom",
    details: "In all rooms, until this client ends. Nobody else learns of it.",
    example: "/ignore mallory",
    run: ignore,
  },
  {
    name: "unignore",
    aliases: [],
    arguments: "NAME",
    help: "show again what someone says",
    example: "/unignore mallory",
    run({ chat, say }, args): void {
      const name = args.word();
      chat.ignored.remove(name);
      say(`You see ${name} again; /search from:${name} finds what was said meanwhile`);
    },
  },
  {
    name: "bell",
    aliases: [],
    arguments: `[${BELL_MODES.join("|")}]`,
    help: "ring never, when mentioned, or always",
    details:
      "Someone mentions you by @ and your name, or writes to you alone. It rings for what others say now, at most " +
      "once a second.",
    example: "/bell all",
    run: ring,
  },
];

/** Does not wait for its end: one can type on meanwhile. */
function search({ chat, current }: CommandContext, args: Arguments): void {
  const room = current.need();
  switch (args.text().toLowerCase()) {
    case "more":
      return chat.searchIn(room).more();
    case "stop":
      return chat.searchIn(room).stop();
    default:
      return chat.searchIn(room).start(args.rest);
  }
}

function ignore({ chat: { ignored }, say }: CommandContext, args: Arguments): void {
  const name = args.wordIf(() => true);
  if (name !== undefined) ignored.add(name);
  const { names } = ignored;
  say(names.length === 0 ? "You ignore nobody" : `You ignore ${names.join(", ")}`);
}

function ring({ bell, say }: CommandContext, args: Arguments): void {
  if (bell === undefined) {
    throw new CallerError("terminal-missing", "There is a bell at a terminal alone");
  }
  const word = args.wordIf(() => true);
  if (word !== undefined) bell.mode = BELL_MODES.find((mode) => mode === word) ?? args.fail();
  say(`The bell rings ${OCCASIONS[bell.mode]}`);
}

const OCCASIONS: { [mode in BellMode]: string } = {
  off: "never",
  mention: "when someone mentions you, or writes to you alone",
  all: "for every message of others",
};
