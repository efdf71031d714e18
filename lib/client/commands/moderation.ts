/**
 * Commands of operators over people in the open rooms.
 *
 * @module
 */

import { formatDuration, meansDuration, parseDuration } from "../../durations.ts";
import { MAX_SLOW_SECONDS } from "../../protocol/limits.ts";
import { parseWholeNumber } from "../numbers.ts";
import type { Arguments, ClientCommand } from "./command.ts";

const DURATIONS =
  "TIME is a number and a letter: 30s, 10m, 2h, 7d or 2w; without one it has no end.";

/** See the module's description. */
export const MODERATION_COMMANDS: readonly ClientCommand[] = [
  {
    name: "ban",
    aliases: [],
    arguments: "NAME [TIME] [REASON]",
    help: "put someone out, and keep them out (operators)",
    details: `It ends all their sessions, and they cannot log in. ${DURATIONS}`,
    example: "/ban mallory 7d spam",
    async run({ chat, say }, args): Promise<void> {
      const sanction = takeSanction(args);
      await chat.request({ do: "ban", ...sanction });
      say(`${sanction.user} is banned ${lengthOf(sanction.seconds)}`);
    },
  },
  {
    name: "unban",
    aliases: [],
    arguments: "NAME",
    help: "let someone in again (operators)",
    example: "/unban mallory",
    async run({ chat, say }, args): Promise<void> {
      const user = args.word();
      await chat.request({ do: "unban", user });
      say(`${user} may come in again`);
    },
  },
  {
    name: "mute",
    aliases: [],
    arguments: "NAME [TIME] [REASON]",
    help: "take no messages from someone (operators)",
    details: `In all open rooms; they can still read. ${DURATIONS}`,
    example: "/mute bob 10m",
    async run({ chat, say }, args): Promise<void> {
      const sanction = takeSanction(args);
      await chat.request({ do: "mute", ...sanction });
      say(`${sanction.user} is muted ${lengthOf(sanction.seconds)}`);
    },
  },
  {
    name: "unmute",
    aliases: [],
    arguments: "NAME",
    help: "let someone speak again (operators)",
    example: "/unmute bob",
    async run({ chat, say }, args): Promise<void> {
      const user = args.word();
      await chat.request({ do: "unmute", user });
      say(`${user} may speak again`);
    },
  },
  {
    name: "slow",
    aliases: [],
    arguments: "SECONDS|off",
    help: "one message in so many seconds (operators)",
    details: "For each member of this room.",
    example: "/slow 10",
    async run({ chat, current }, args): Promise<void> {
      const room = current.need();
      await chat.request({ do: "slow", room, seconds: takeSeconds(args) });
    },
  },
];

function takeSanction(args: Arguments): { user: string; seconds?: number; reason: string } {
  const user = args.word();
  const duration = args.wordIf(meansDuration);
  const seconds = duration === undefined ? {} : { seconds: parseDuration(duration) };
  return { user, ...seconds, reason: args.rest };
}

function takeSeconds(args: Arguments): number {
  const word = args.word();
  return word === "off" ? 0 : parseWholeNumber("/slow", word, { least: 0, most: MAX_SLOW_SECONDS });
}

function lengthOf(seconds: number | undefined): string {
  return seconds === undefined ? "for good" : `for ${formatDuration(seconds)}`;
}
