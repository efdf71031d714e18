/**
 * All commands, in the order of the help. A new one is a row in one of the lists.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import { ACCOUNT_COMMANDS } from "./account.ts";
import type { ClientCommand } from "./command.ts";
import { DIRECT_COMMANDS } from "./direct.ts";
import { type CommandGroup, helpFor } from "./help.ts";
import { MEMBERSHIP_COMMANDS } from "./membership.ts";
import { MODERATION_COMMANDS } from "./moderation.ts";
import { nearest } from "./nearest.ts";
import { PAST_COMMANDS } from "./past.ts";
import { PEOPLE_COMMANDS } from "./people.ts";
import { READING_COMMANDS } from "./reading.ts";
import { ROOM_COMMANDS } from "./rooms.ts";
import { SECURITY_COMMANDS } from "./security.ts";

/** The table, by what commands are about. Early ones scroll away first on a small terminal. */
const GROUPS: readonly CommandGroup[] = [
  { title: "For operators", commands: MODERATION_COMMANDS },
  { title: "Rooms", commands: [...ROOM_COMMANDS, ...MEMBERSHIP_COMMANDS] },
  { title: "Just two", commands: DIRECT_COMMANDS },
  { title: "Who can read it", commands: SECURITY_COMMANDS },
  { title: "People", commands: PEOPLE_COMMANDS },
  { title: "What was said", commands: [...PAST_COMMANDS, ...READING_COMMANDS] },
  {
    title: "This client",
    commands: [helpFor({ groups: () => GROUPS, find: findCommand }), ...ACCOUNT_COMMANDS],
  },
];

/** All commands. */
export const COMMANDS: readonly ClientCommand[] = GROUPS.flatMap(({ commands }) => commands);

/**
 * The command of a name or an alias, in any case of letters, with a slash or without.
 *
 * @throws {CallerError} `command-unknown`; it names the command that may be meant.
 */
export function findCommand(name: string): ClientCommand {
  const wanted = name.toLowerCase().replace(/^\//, "");
  const found = COMMANDS.find((one) => namesOf(one).includes(wanted));
  if (found !== undefined) return found;
  const meant = nearest(wanted, COMMANDS.flatMap(namesOf));
  const suggestion = meant === undefined ? "" : `did you mean /${meant}? `;
  throw new CallerError("command-unknown", `There is no command /${name.replace(/^\//, "")}`, {
    hint: `${suggestion}/help shows all; begin a text with // to send it with one slash`,
  });
}

function namesOf({ name, aliases }: ClientCommand): string[] {
  return [name, ...aliases];
}
