/**
 * A person at the interactive client: types what it asks for.
 *
 * @module
 */

import type { Credentials } from "../../lib/client/login.ts";
import type { Tmux } from "../terminal/tmux.ts";

/** Types a login: by default that of the demo account. */
export async function logIn(
  terminal: Tmux,
  { username, password }: Credentials = { username: "user1", password: "pass1" },
): Promise<void> {
  await terminal.waitFor("Username:");
  await terminal.type(username);
  await terminal.key("Enter");
  await terminal.waitFor("Password");
  await terminal.type(password);
  await terminal.key("Enter");
}
