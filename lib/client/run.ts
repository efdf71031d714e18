/**
 * The client from its options to its end: with a terminal a conversation, without one line mode or
 * JSON mode.
 *
 * @module
 */

import { complain } from "../cli/program.ts";
import { CallerError, ExitCode } from "../errors.ts";
import { isRoomName } from "../name_patterns.ts";
import type { Address } from "./address.ts";
import type { Streams } from "./batch.ts";
import { connect } from "./connection.ts";
import type { InviteLink } from "./invite_link.ts";
import { runJsonMode } from "./json_mode.ts";
import { runLineMode } from "./line_mode.ts";
import type { JoinOptions } from "./options.ts";
import { redeem } from "./redeem.ts";

/** What the command line said. */
export interface ClientOptions {
  address: Address;
  /** Makes an account first; `address` is its server's. */
  invite?: InviteLink;
  /** The room to join. By default the invite's, or the lobby. */
  room?: string;
  user?: string;
  passwordFile?: string;
  /** Older messages to begin with. By default 50, but none in line mode: it is a filter. */
  history?: number;
  /** Seconds to go on trying after an outage. By default no end, but 300 in line mode. */
  retryForSeconds?: number;
  json: boolean;
  color: boolean;
}

/** Runs the client; returns the exit code. Throws `FernchatError`. */
export async function runClient(options: ClientOptions): Promise<number> {
  if (options.room !== undefined && !isRoomName(options.room)) {
    throw new CallerError("room-invalid", `Not a room's name: ${options.room}`, {
      hint: "it has 1 to 32 of a-z, 0-9, - and _; /dm NAME goes to a person",
    });
  }
  const isInteractive = !options.json && Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  if (isInteractive) {
    // Loaded only here: scripts and bots start faster without the terminal.
    const { runInteractive } = await import("./interactive.ts");
    const color = mayUseColor(options);
    return await runInteractive({ ...options, color, join: joinOptions(options, FOR_PEOPLE) });
  }
  const { address, invite, json } = options;
  const credentials = { username: needUser(options), password: await findPassword(options) };
  const invited = invite === undefined ? {} : await redeem(invite, credentials);
  const join = joinOptions({ ...invited, ...options }, json ? FOR_PEOPLE : FOR_SCRIPTS);
  const chat = await connect({ ...address, ...credentials, ...join });
  for (const name of ["SIGINT", "SIGTERM"] as const) exitOn(name);
  const streams: Streams = { input: Deno.stdin, output: Deno.stdout, complain };
  return await (json ? runJsonMode : runLineMode)(chat, streams, join.history);
}

/** For people and programs that stay: what was said before, and patience. */
const FOR_PEOPLE = { history: 50, retryForSeconds: Infinity };
/** A script's output is what it asked for, and a script that hangs helps nobody. */
const FOR_SCRIPTS = { history: 0, retryForSeconds: 300 };

/** What is joined first, and how. */
type Joining = JoinOptions & { history: number };

function joinOptions(options: ClientOptions, defaults: typeof FOR_PEOPLE): Joining {
  const { room, history = defaults.history } = options;
  const where = room === undefined ? {} : { room };
  const { retryForSeconds = defaults.retryForSeconds } = options;
  return { ...where, history, reconnectForMs: retryForSeconds * 1_000 };
}

/** In raw mode the interactive client sees Ctrl-C as a key; here it is a signal. */
function exitOn(name: Deno.Signal): void {
  if (name === "SIGTERM" && Deno.build.os === "windows") return;
  Deno.addSignalListener(name, () => Deno.exit(ExitCode.interrupted));
}

/** https://no-color.org: set and not empty means no. */
function mayUseColor({ color }: ClientOptions): boolean {
  return color && !Deno.env.get("NO_COLOR") && Deno.env.get("TERM") !== "dumb";
}

function needUser({ user }: ClientOptions): string {
  if (user !== undefined) return user;
  throw new CallerError("user-missing", "Without a terminal, the user's name is needed", {
    hint: "pass --user NAME",
  });
}

async function findPassword({ passwordFile }: ClientOptions): Promise<string> {
  if (passwordFile !== undefined) {
    const { passwordFromFile } = await import("../cli/passwords.ts");
    return await passwordFromFile(passwordFile);
  }
  const password = Deno.env.get("FERNCHAT_PASSWORD");
  if (password) return password;
  throw new CallerError("password-missing", "Without a terminal, a password is needed", {
    hint: "set FERNCHAT_PASSWORD, or pass --password-file FILE",
  });
}
