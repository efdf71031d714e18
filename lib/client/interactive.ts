/**
 * The client for a person at a terminal, from the first connection to the last word.
 *
 * @module
 */

import { ExitCode } from "../errors.ts";
import { MAX_TEXT_BYTES } from "../protocol/limits.ts";
import { type Address, formatAddress } from "./address.ts";
import { TerminalInvite } from "./ask_invite.ts";
import { Left, TerminalLogin } from "./ask_login.ts";
import { ChatConnection } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import type { LoggedIn } from "./enter.ts";
import type { InviteLink } from "./invite_link.ts";
import { KeptLogin } from "./kept_login.ts";
import type { Credentials } from "./login.ts";
import type { JoinOptions } from "./options.ts";
import { systemTerminal } from "./terminal/io.ts";
import { Terminal } from "./terminal/terminal.ts";
import { TIMING } from "./timing.ts";

/** What the command line said. */
export interface InteractiveOptions {
  address: Address;
  /** Makes an account first; `address` is its server's. */
  invite?: InviteLink;
  /** Asked for if not given. */
  user?: string;
  join: JoinOptions & { history: number };
  /** Whether to use colours. */
  color: boolean;
}

/** Runs the interactive client to its end; returns the exit code. */
export async function runInteractive(options: InteractiveOptions): Promise<number> {
  const { address, invite, user, color } = options;
  const login = invite === undefined
    ? await TerminalLogin.dial(address)
    : await TerminalInvite.dial(invite);
  let conversation: Conversation | undefined;
  const end = (code: number): never => {
    conversation?.leaveAtOnce();
    terminal.restore();
    Deno.exit(code);
  };
  const terminal = Terminal.open(systemTerminal(), {
    color,
    maxLineBytes: MAX_TEXT_BYTES,
    onInterrupt: () => end(ExitCode.interrupted),
  });
  const stopListening = onSignals(terminal, end);
  try {
    terminal.notice(`Connected to ${formatAddress(address)}`);
    const chat = await join(await login.ask(terminal, user), options);
    conversation = new Conversation(terminal, chat, options.join.history);
    return await conversation.run();
  } catch (error) {
    if (error instanceof Left) return error.exitCode;
    throw error;
  } finally {
    login.release(); // a server need not wait for us
    stopListening();
    terminal.restore();
  }
}

/**
 * Joins on the channel of the login; after an outage the same name and password make another. An
 * invite's room is the one to join, unless the person asked for one.
 */
function join(
  { credentials, room, ...loggedIn }: LoggedIn & { credentials: Credentials; room?: string },
  { address, join }: InteractiveOptions,
): Promise<ChatConnection> {
  const login = new KeptLogin(address, credentials, TIMING, true);
  return ChatConnection.join(loggedIn, { server: address, login, ...inRoom(room), ...join });
}

function inRoom(room: string | undefined): Pick<JoinOptions, "room"> {
  return room === undefined ? {} : { room };
}

/** The terminal's own keys never become signals in raw mode; these come from elsewhere. */
function onSignals(terminal: Terminal, end: (code: number) => never): () => void {
  const redraw = (): void => terminal.redraw();
  const interrupt = (): void => end(ExitCode.interrupted);
  const interrupts: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of interrupts) Deno.addSignalListener(name, interrupt);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGWINCH", redraw);
  return () => {
    for (const name of interrupts) Deno.removeSignalListener(name, interrupt);
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGWINCH", redraw);
  };
}
