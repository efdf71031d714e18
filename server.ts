/**
 * The server's command line: flags to options, exit codes; nothing else.
 *
 * @module
 */

import { DEMO } from "./lib/auth/accounts.ts";
import { addAuditCommand } from "./lib/cli/audit_command.ts";
import { addInviteCommands } from "./lib/cli/invite_commands.ts";
import { addKeyCommands } from "./lib/cli/key_commands.ts";
import { addLimitFlags, type LimitFlags, parseLimits } from "./lib/cli/limit_flags.ts";
import { addLogCommands } from "./lib/cli/log_commands.ts";
import { addLoggerFlags, type LoggerFlags, stderrLogger } from "./lib/cli/logger_flags.ts";
import { createProgram, fail, refuseCommand, runProgram, say } from "./lib/cli/program.ts";
import { addRoomCommands } from "./lib/cli/room_commands.ts";
import { addUserCommands } from "./lib/cli/user_commands.ts";
import { formatAddress, parsePort } from "./lib/client/address.ts";
import { ExitCode } from "./lib/errors.ts";
import type { FernetKey } from "./lib/fernet.ts";
import { isReadableByOthers } from "./lib/server/key_file.ts";
import type { Logger } from "./lib/server/logger.ts";
import { type RunningServer, startServer } from "./lib/server/server.ts";

interface Flags extends LimitFlags, LoggerFlags {
  host?: string;
  port?: string;
  db?: string;
  keyFile?: string;
  demo?: boolean;
  json?: boolean;
}

const SERVE = "serve";

const DEFAULTS = { host: "127.0.0.1", port: "5555", db: "chat_logs.db" };

const HELP = `
Examples:
  server                       try it out here: login ${DEMO.name} / ${DEMO.password}
  server user add alice        make an account; the demo account ends
  server invite create         make a link with which somebody makes an account
  server --host 0.0.0.0        let others in, with accounts of their own
  server --key-file lobby.key  keep the lobby's key over restarts
  server log verify            check that nobody changed the log

Stop it with Ctrl-C: it stores what it has, tells the clients and shows the
log's head, which is worth noting.
Exit codes: 0 done, 1 failure, 2 usage, 5 the log does not verify.`;

async function serve(flags: Flags): Promise<void> {
  const { host, port, db } = { ...DEFAULTS, ...flags };
  const logger = stderrLogger(flags);
  const server = await startServer({
    host,
    port: parsePort(port, 0),
    db,
    demo: flags.demo ?? false,
    ...(flags.keyFile === undefined ? {} : { keyFile: flags.keyFile }),
    limits: parseLimits(flags),
    onNewKey: (ring) => announceKey(ring.primary, flags),
    logger,
  });
  const reload = flags.keyFile === undefined ? undefined : () => server.checkKeyFile();
  const signal = stopSignal(reload); // before anybody knows that there is a server to stop
  announce(server, db, flags);
  warn(server, flags, logger);
  await signal;
  await stop(server, flags);
}

function announce(server: RunningServer, db: string, flags: Flags): void {
  const { hostname: host, port } = server.address;
  const key = server.ring.primary;
  if (flags.json) {
    const event = { event: "listening", host, port, session_key: String(key), key_id: key.id, db };
    say(JSON.stringify({ ...event, pid: Deno.pid }));
  } else {
    const lines = [
      `Listening on ${formatAddress({ hostname: host, port })}`,
      `Encryption key for this session: ${key}`,
      ...(server.demo ? [`Demo login: ${DEMO.name} / ${DEMO.password}`] : []),
    ];
    say(lines.join("\n"));
  }
}

/** What an operator may not want. */
function warn(server: RunningServer, { demo, keyFile }: Flags, logger: Logger): void {
  if (server.demo && demo) {
    logger.warn("demo-open", { says: "everyone who can connect can log in as user1" });
  }
  if (keyFile !== undefined && isReadableByOthers(keyFile)) {
    logger.warn("key-file-readable", { file: keyFile, says: "others can read it: chmod 600 it" });
  }
}

/** A key that takes the place of the one before, while the server runs. */
function announceKey(key: FernetKey, { json }: Flags): void {
  const event = { event: "key-changed", session_key: String(key), key_id: key.id };
  say(json ? JSON.stringify(event) : `Encryption key from now on: ${key}`);
}

/**
 * Resolves with the first signal to stop. A second one ends the program at once. SIGHUP is a request
 * to read the key file again, by custom; without one, or when the terminal is gone, it is the end.
 */
function stopSignal(reload: (() => void) | undefined): Promise<void> {
  const hadTerminal = Deno.stdout.isTerminal();
  return new Promise((resolve) => {
    let signals = 0;
    const onStop = (): void => ++signals > 1 ? Deno.exit(ExitCode.interrupted) : resolve();
    const onHangUp = (): void => {
      if (reload === undefined || hadTerminal && !Deno.stdout.isTerminal()) onStop();
      else reload();
    };
    Deno.addSignalListener("SIGINT", onStop);
    if (Deno.build.os === "windows") return;
    Deno.addSignalListener("SIGTERM", onStop);
    Deno.addSignalListener("SIGHUP", onHangUp);
  });
}

async function stop(server: RunningServer, { json }: Flags): Promise<void> {
  const heads = await server.stop();
  if (json) say(JSON.stringify({ event: "stopped", ...heads[0], heads }));
  else for (const { room, seq, chain } of heads) say(`Log head: ${room} ${seq} ${chain}`);
  Deno.exit(ExitCode.done);
}

const program = createProgram("server", "Fernchat's server: an encrypted group chat of your own.")
  .usage("[serve] [options] | audit | (user|invite|room|log|key) <command>")
  .option("--host <address>", `the address to listen on (default: ${DEFAULTS.host})`)
  .option("--port <number>", `the port; 0 picks a free one (default: ${DEFAULTS.port})`)
  .option("--db <file>", `the database, made if there is none (default: ${DEFAULTS.db})`)
  .option("--key-file <file>", "keep the lobby's Fernet keys there, made if there is none")
  .option(
    "--demo",
    `let ${DEMO.name} / ${DEMO.password} in on any address while there is no account`,
  )
  .option("--json", "say what happens as JSON, one line each")
  .addHelpText("after", HELP)
  .argument("[command...]") // `serve` is the command that needs no name
  .action(async (words: string[], flags: Flags) => {
    const [word] = words[0] === SERVE ? words.slice(1) : words;
    if (word !== undefined) await refuseCommand(program, word, [SERVE]);
    await serve(flags);
  });
addLoggerFlags(program);
addLimitFlags(program);
addUserCommands(program, DEFAULTS.db);
addInviteCommands(program, DEFAULTS.db);
addRoomCommands(program, DEFAULTS.db);
addAuditCommand(program, DEFAULTS.db);
addLogCommands(program, DEFAULTS.db);
addKeyCommands(program);

if (import.meta.main) {
  await runProgram(program, Deno.args).catch((error) => Deno.exit(fail(error)));
}
