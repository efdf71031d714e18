/**
 * Commands about the own account and the client itself.
 *
 * @module
 */

import { checkPassword } from "../../auth/passwords.ts";
import { CallerError, LoginError } from "../../errors.ts";
import type { ClientCommand, CommandContext } from "./command.ts";

/** See the module's description. */
export const ACCOUNT_COMMANDS: readonly ClientCommand[] = [
  {
    name: "passwd",
    aliases: [],
    arguments: "",
    help: "change your password (at a terminal)",
    details: "It asks for the old one, and twice for the new one; none of them is shown.",
    example: "/passwd",
    asks: true,
    run: changePassword,
  },
  {
    name: "exit",
    aliases: ["quit"],
    arguments: "",
    help: "leave, when what you sent is stored",
    example: "/exit",
    isBasic: true,
    leaves: true,
    run: () => {},
  },
];

async function changePassword({ chat, say, askSecret }: CommandContext): Promise<void> {
  if (askSecret === undefined) {
    throw new CallerError("terminal-missing", "A password is changed at a terminal alone", {
      hint: "run the client there, without --json",
    });
  }
  const current = await askSecret("Old password: ");
  const next = current === undefined ? undefined : await askSecret("New password: ");
  const again = next === undefined ? undefined : await askSecret("The same again: ");
  if (current === undefined || next === undefined || again === undefined) {
    return say("The password is as it was");
  }
  if (next !== again) {
    throw new CallerError("password-mismatch", "The two passwords differ: nothing was changed");
  }
  checkPassword(next);
  try {
    await chat.changePassword(current, next);
  } catch (cause) {
    if (!(cause instanceof LoginError) || cause.code !== "login-refused") throw cause;
    throw new CallerError("password-wrong", "The old password is not right: nothing was changed", {
      cause,
    });
  }
  say("Your password is changed");
}
