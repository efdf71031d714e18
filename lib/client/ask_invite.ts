/**
 * A person at a terminal who follows an invite: it is proven before anything is asked; then a name
 * and a password are asked for until there is an account, and its user is logged in.
 *
 * @module
 */

import { checkName } from "../auth/names.ts";
import { checkPassword } from "../auth/passwords.ts";
import { CallerError, ConnectError, describeError } from "../errors.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import { answer, askUsername, isThrottled } from "./ask_login.ts";
import { dial } from "./dial.ts";
import { dialAndLogIn, type LoggedIn } from "./enter.ts";
import type { InviteLink } from "./invite_link.ts";
import type { Credentials } from "./login.ts";
import { createAccount, type Invited, isNameRefusal, openInvite } from "./redeem.ts";
import type { Terminal } from "./terminal/terminal.ts";
import { TIMING } from "./timing.ts";

/** See the module's description. */
export class TerminalInvite {
  readonly #link: InviteLink;
  readonly #channels: SecureChannel[] = [];
  #invited: Invited | undefined;

  private constructor(link: InviteLink) {
    this.#link = link;
  }

  /** Connects and proves the invite. Throws as {@linkcode dial} and {@linkcode openInvite}. */
  static async dial(link: InviteLink): Promise<TerminalInvite> {
    const invite = new TerminalInvite(link);
    try {
      await invite.#open();
      return invite;
    } catch (error) {
      invite.release();
      throw error;
    }
  }

  /**
   * Asks until there is an account, and logs in with it.
   *
   * @param user the first name to try; asked for if not given.
   * @throws {Left} if the person leaves.
   * @throws what {@linkcode createAccount} and {@linkcode dialAndLogIn} throw, but for a name that
   * cannot be had.
   */
  async ask(
    terminal: Terminal,
    user?: string,
  ): Promise<LoggedIn & { credentials: Credentials; room: string }> {
    const { room, role } = this.#invited as Invited;
    terminal.notice(`You are invited to ${room}${role === "operator" ? " as an operator" : ""}`);
    let username = user ?? await askNewName(terminal);
    const password = await askNewPassword(terminal);
    while (!await this.#tryName(terminal, { username, password })) {
      username = await askNewName(terminal);
    }
    const credentials = { username, password };
    const loggedIn = await dialAndLogIn(this.#link.address, credentials, TIMING);
    this.#channels.push(loggedIn.channel);
    return { ...loggedIn, credentials, room };
  }

  /** Ends the connections, also the one that was logged in on. */
  release(): void {
    for (const channel of this.#channels) channel.abort(new Error("left"));
  }

  /** Makes the account; false if the name cannot be had. */
  async #tryName(terminal: Terminal, credentials: Credentials): Promise<boolean> {
    for (;;) {
      try {
        await this.#create(credentials);
        return true;
      } catch (error) {
        if (!isThrottled(error) && !isNameRefusal(error)) throw error;
        terminal.complain(describeError(error));
        if (isNameRefusal(error)) return false;
        await answer(terminal.readLine("Press Enter to try again. "));
      }
    }
  }

  /** On the last channel, or on a new one where the server has lost patience meanwhile. */
  async #create(credentials: Credentials): Promise<void> {
    try {
      await createAccount(this.#channels.at(-1) as SecureChannel, credentials);
    } catch (error) {
      // A server that does not answer will not do so on another channel.
      if (!(error instanceof ConnectError) || error.code === "cannot-connect") throw error;
      await createAccount(await this.#open(), credentials);
    }
  }

  async #open(): Promise<SecureChannel> {
    const channel = await dial(this.#link.address);
    this.#channels.push(channel);
    this.#invited = await openInvite(channel, this.#link.code);
    return channel;
  }
}

/** A name that the rule of names allows: whoever mistyped learns it before choosing a password. */
async function askNewName(terminal: Terminal): Promise<string> {
  for (;;) {
    const name = await askUsername(terminal, "Choose a user name: ");
    if (passes(terminal, () => checkName(name))) return name;
  }
}

async function askNewPassword(terminal: Terminal): Promise<string> {
  for (;;) {
    const password = await answer(terminal.readPassword("Choose a password: "));
    if (!passes(terminal, () => checkPassword(password))) continue;
    const again = await answer(terminal.readPassword("The same again: "));
    if (password === again) return password;
    terminal.complain("The two passwords differ: try again");
  }
}

/** Whether a check passes; says why not. */
function passes(terminal: Terminal, check: () => void): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (!(error instanceof CallerError)) throw error;
    terminal.complain(describeError(error));
    return false;
  }
}
