/**
 * A person at the interactive client: types what it asks for.
 *
 * @module
 */

import type { Tmux } from "../terminal/tmux.ts";

/** Types the demo login, by default with the right password. */
export async function logIn(terminal: Tmux, password = "pass1"): Promise<void> {
  await terminal.waitFor("Username:");
  await terminal.type("user1");
  await terminal.key("Enter");
  await terminal.waitFor("Password");
  await terminal.type(password);
  await terminal.key("Enter");
}
