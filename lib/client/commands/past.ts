/**
 * Commands about what was said before.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import { MAX_HISTORY } from "../history.ts";
import { parseWholeNumber } from "../numbers.ts";
import type { ClientCommand } from "./command.ts";

/** Older messages that `/history` shows. */
const DEFAULT_HISTORY = 50;

/** See the module's description. */
export const PAST_COMMANDS: readonly ClientCommand[] = [
  {
    name: "history",
    aliases: [],
    arguments: "[NUMBER]",
    help: `show ${DEFAULT_HISTORY} older messages of this room, or so many`,
    details: `At most ${MAX_HISTORY} at a time; each time it goes further back.`,
    example: "/history 200",
    isBasic: true,
    async run({ chat, current }, { rest }): Promise<void> {
      const bounds = { least: 1, most: MAX_HISTORY };
      const count = rest === "" ? DEFAULT_HISTORY : parseWholeNumber("/history", rest, bounds);
      try {
        await chat.showHistory(count, current.need());
      } catch (error) {
        // Whatever else went wrong is an event.
        if (error instanceof CallerError) throw error;
      }
    },
  },
  {
    name: "head",
    aliases: [],
    arguments: "",
    help: "show the log's last entry that you saw",
    details: "Note it: whoever runs the server can check the log against it later, with " +
      "server.ts log verify --head.",
    example: "/head",
    run({ chat, current, say }): void {
      const room = current.need();
      const view = chat.rooms.find((one) => one.room === room);
      if (view !== undefined) say(`${room} ${view.head.seq} ${view.head.chain}`, true);
    },
  },
];
