/**
 * The client's command line: flags to options, exit codes; nothing else.
 *
 * @module
 */

import { createProgram, fail, runProgram } from "./lib/cli/program.ts";
import { type Address, DEFAULT_HOST, DEFAULT_PORT, parseAddress } from "./lib/client/address.ts";
import { MAX_HISTORY } from "./lib/client/history.ts";
import { type InviteLink, meansInviteLink, parseInviteLink } from "./lib/client/invite_link.ts";
import { parseWholeNumber } from "./lib/client/numbers.ts";
import { runClient } from "./lib/client/run.ts";
import { CallerError } from "./lib/errors.ts";
import { LOBBY } from "./lib/rooms/open_room.ts";

interface Flags {
  user?: string;
  room?: string;
  passwordFile?: string;
  history?: string;
  retryFor?: string;
  json?: boolean;
  color: boolean;
}

const HISTORY = { least: 0, most: MAX_HISTORY };
/** Seconds: up to a year. */
const RETRY_FOR = { least: 0, most: 366 * 24 * 60 * 60 };

const HELP = `
Examples:
  client                            chat with the server on this machine
  client chat.example.org:5555      with another one
  client join fernchat://…          follow an invite: choose a name and password
  echo hello | client --user alice  send a line from a script; the password is
                                    in FERNCHAT_PASSWORD or --password-file

In the chat: /help shows the commands, exit or Ctrl-D leaves. A connection that
is lost is tried again, and what was missed is shown; the password is kept in
memory for that. "In a pipe" is: without a terminal, and without --json.
Exit codes: 0 done, 1 failure, 2 usage, 3 login or invite refused,
4 cannot connect, 130 interrupted.`;

/** The word before an invite's link. */
const JOIN = "join";

const parseSeconds = (text: string): number => parseWholeNumber("--retry-for", text, RETRY_FOR);

async function start(words: string[], flags: Flags): Promise<void> {
  const { user, room, passwordFile, history, retryFor } = flags;
  const code = await runClient({
    ...findServer(words),
    json: flags.json ?? false,
    color: flags.color,
    ...(user === undefined ? {} : { user }),
    ...(room === undefined ? {} : { room }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
    ...(history === undefined ? {} : { history: parseWholeNumber("--history", history, HISTORY) }),
    ...(retryFor === undefined ? {} : { retryForSeconds: parseSeconds(retryFor) }),
  });
  Deno.exit(code);
}

/** Where to go, and whether with an invite. What was typed may be a secret: no error repeats it. */
function findServer(words: string[]): { address: Address; invite?: InviteLink } {
  const isJoin = words[0] === JOIN;
  const [target, ...others] = isJoin ? words.slice(1) : words;
  if (others.length > 0) {
    throw new CallerError("usage", "There are more words than one address or link", {
      hint: "try client --help",
    });
  }
  if (isJoin && target === undefined) {
    throw new CallerError("link-missing", "The link of an invite is needed", {
      hint: "write client join fernchat://HOST:PORT/CODE",
    });
  }
  if (!isJoin && !meansInviteLink(target ?? "")) {
    return { address: parseAddress(target ?? `${DEFAULT_HOST}:${DEFAULT_PORT}`) };
  }
  const invite = parseInviteLink(target ?? "");
  return { address: invite.address, invite };
}

const program = createProgram("client", "Fernchat's client: an encrypted group chat.")
  .usage("[options] [address] | join <link>")
  .argument("[address...]", `HOST or HOST:PORT (default: ${DEFAULT_HOST}:${DEFAULT_PORT})`)
  .option("--user <name>", "log in as this user (asked for in a terminal)")
  .option("--room <name>", `the room to join (default: the invite's, or ${LOBBY})`)
  .option("--password-file <file>", "without a terminal: take the password from there")
  .option("--history <n>", "older messages to begin with (default: 50, 0 in a pipe)")
  .option("--retry-for <s>", "seconds to reconnect for (default: no end, 300 in a pipe)")
  .option("--json", "one event a line on stdout, one command a line on stdin")
  .option("--no-color", "no colours (so does NO_COLOR)")
  .addHelpText("after", HELP)
  .action(start);

if (import.meta.main) {
  await runProgram(program, Deno.args).catch((error) => Deno.exit(fail(error)));
}
