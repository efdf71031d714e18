/**
 * All commands, in the order of the help. A new one is a row in one of the lists.
 *
 * @module
 */

import { CallerError } from "../../errors.ts";
import { ACCOUNT_COMMANDS } from "./account.ts";
import type { ClientCommand } from "./command.ts";
import { helpFor } from "./help.ts";
import { MODERATION_COMMANDS } from "./moderation.ts";
import { nearest } from "./nearest.ts";
import { PAST_COMMANDS } from "./past.ts";
import { PEOPLE_COMMANDS } from "./people.ts";
import { READING_COMMANDS } from "./reading.ts";
import { ROOM_COMMANDS } from "./rooms.ts";

/** The table. */
export const COMMANDS: readonly ClientCommand[] = [
  helpFor({ all: () => COMMANDS, find: findCommand }),
  ...MODERATION_COMMANDS, // early: of a long help, the end stays on a small terminal
  ...ROOM_COMMANDS,
  ...PEOPLE_COMMANDS,
  ...PAST_COMMANDS,
  ...READING_COMMANDS,
  ...ACCOUNT_COMMANDS,
];

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
