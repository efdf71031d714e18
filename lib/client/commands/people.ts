/**
 * Commands about people: who somebody is, what one does, being away.
 *
 * @module
 */

import { MAX_AWAY_CHARS } from "../../protocol/limits.ts";
import type { ResultOf } from "../../protocol/requests.ts";
import { calendarDate, clockTime } from "../output.ts";
import type { ClientCommand } from "./command.ts";
import { awayNotes } from "./names.ts";

/** See the module's description. */
export const PEOPLE_COMMANDS: readonly ClientCommand[] = [
  {
    name: "whois",
    aliases: [],
    arguments: "NAME",
    help: "show someone's role, sessions, shared rooms",
    example: "/whois alice",
    async run({ chat, say }, args): Promise<void> {
      for (const line of describe(await chat.request({ do: "whois", user: args.word() }))) {
        say(line);
      }
    },
  },
  {
    name: "away",
    aliases: [],
    arguments: "[TEXT]",
    help: "tell others that you are away, and why",
    details: `At most ${MAX_AWAY_CHARS} characters, which the server can read. ` +
      "It ends with /back, or with the next thing that you say.",
    example: "/away lunch",
    async run({ chat, say }, args): Promise<void> {
      await chat.setAway(args.rest);
      say("You are away; /back ends that, and so does the next thing that you say");
    },
  },
  {
    name: "back",
    aliases: [],
    arguments: "",
    help: "tell others that you are back",
    example: "/back",
    async run({ chat, say }): Promise<void> {
      await chat.back();
      say("You are back");
    },
  },
  {
    name: "me",
    aliases: [],
    arguments: "TEXT",
    help: "say what you do",
    example: "/me waves",
    run: ({ send }, args) => send(args.text(), { action: true }),
  },
];

function describe(person: ResultOf<"whois">): string[] {
  const { user, role, away, muted, sessions, more, rooms } = person;
  const count = sessions.length + more;
  const notes = [
    role,
    ...awayNotes(away),
    ...(muted ? ["muted"] : []),
    count === 0 ? "not here now" : count === 1 ? "1 session" : `${count} sessions`,
    ...(rooms.length === 0 ? [] : [`with you in ${rooms.join(", ")}`]),
  ];
  return [
    `${user}: ${notes.join(", ")}`,
    ...sessions.map(({ since, address }) => {
      const from = address === undefined ? "" : `, from ${address}`;
      return `  since ${calendarDate(since)} ${clockTime(since)}${from}`;
    }),
  ];
}
