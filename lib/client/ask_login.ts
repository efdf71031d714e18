/**
 * The login of a person at a terminal: asks for name and password until they are right, on a
 * connection that was made before anything was asked.
 *
 * @module
 */

import { CallerError, ConnectError, describeError, ExitCode, LoginError } from "../errors.ts";
import type { SecureChannel } from "../protocol/channel.ts";
import type { Address } from "./address.ts";
import { dial } from "./dial.ts";
import type { LoggedIn } from "./enter.ts";
import { type Credentials, login } from "./login.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** Wrong passwords that are asked for again. */
const MAX_ATTEMPTS = 3;

/** Milliseconds after which a person is told that it is the server that takes so long. */
const QUIET_MS = 2_000;

/** The person pressed Ctrl-C, or ended the input, before the chat began. */
export class Left extends Error {
  constructor(readonly exitCode: number) {
    super("left");
  }
}

/** See the module's description. */
export class TerminalLogin {
  readonly #address: Address;
  readonly #channels: SecureChannel[];

  private constructor(address: Address, channel: SecureChannel) {
    this.#address = address;
    this.#channels = [channel];
  }

  /** Connects: whoever mistyped the address learns it before the password. */
  static async dial(address: Address): Promise<TerminalLogin> {
    return new TerminalLogin(address, await dial(address));
  }

  /**
   * Asks until the login succeeds.
   *
   * @throws {Left} if the person leaves.
   * @throws {LoginError} `login-refused` after three attempts, `login-relayed`.
   * @throws {ConnectError} if there is no server any more.
   */
  async ask(terminal: Terminal, user?: string): Promise<LoggedIn & { credentials: Credentials }> {
    let credentials = await askCredentials(terminal, user);
    for (let refusals = 0;;) {
      try {
        return { ...await this.#logIn(terminal, credentials), credentials };
      } catch (error) {
        if (isThrottled(error)) {
          terminal.complain(describeError(error));
          await answer(terminal.readLine("Press Enter to try again. "));
          continue; // with what was typed already
        }
        refusals += 1;
        if (refusals >= MAX_ATTEMPTS || !isMistyped(error)) throw error;
        terminal.complain(describeError(error));
        credentials = await askAgain(terminal, error, credentials, user);
      }
    }
  }

  /** Ends the connections, also the one that was logged in on. */
  release(): void {
    for (const channel of this.#channels) channel.abort(new Error("left"));
  }

  /** Logs in on the last channel, or on a new one where the server has lost patience meanwhile. */
  async #logIn(terminal: Terminal, credentials: Credentials): Promise<LoggedIn> {
    const waiting = setTimeout(() => terminal.notice("Waiting for the server"), QUIET_MS);
    try {
      return await this.#logInOn(this.#channels.at(-1) as SecureChannel, credentials);
    } catch (error) {
      // A server that does not answer will not do so on another channel.
      if (!(error instanceof ConnectError) || error.code === "cannot-connect") throw error;
      const channel = await dial(this.#address);
      this.#channels.push(channel);
      return await this.#logInOn(channel, credentials);
    } finally {
      clearTimeout(waiting);
    }
  }

  async #logInOn(channel: SecureChannel, credentials: Credentials): Promise<LoggedIn> {
    return { channel, ...await login(channel, credentials) };
  }
}

/** Whether it is worth trying again later. */
export function isThrottled(error: unknown): boolean {
  return error instanceof LoginError && error.code === "login-throttled";
}

function isMistyped(error: unknown): boolean {
  return error instanceof LoginError && error.code === "login-refused" ||
    error instanceof CallerError;
}

async function askCredentials(terminal: Terminal, user?: string): Promise<Credentials> {
  const username = user ?? await askUsername(terminal);
  const password = await answer(terminal.readPassword(`Password for ${username}: `));
  return { username, password };
}

/**
 * After a refusal the password alone: who expects to be asked for it must not type it where it is
 * shown.
 */
async function askAgain(
  terminal: Terminal,
  refusal: unknown,
  { username }: Credentials,
  user?: string,
): Promise<Credentials> {
  if (user !== undefined || !(refusal instanceof LoginError)) {
    return await askCredentials(terminal, user);
  }
  terminal.notice("Enter alone asks for another name");
  const password = await answer(terminal.readPassword(`Password for ${username}: `));
  return password === "" ? await askCredentials(terminal) : { username, password };
}

/** A name that is not empty. */
export async function askUsername(terminal: Terminal, prompt = "Username: "): Promise<string> {
  for (;;) {
    const username = (await answer(terminal.readLine(prompt))).trim();
    if (username !== "") return username;
  }
}

/** What a person types. Throws {@linkcode Left} if nothing is typed any more. */
export async function answer(reading: ReturnType<Terminal["readLine"]>): Promise<string> {
  const input = await reading;
  if (input.kind === "line") return input.text;
  throw new Left(input.kind === "end" ? ExitCode.done : ExitCode.interrupted);
}
