/**
 * The server's `log` commands: flags to options.
 *
 * @module
 */

import { type Command, Option } from "commander";
import { CallerError } from "../errors.ts";
import type { RowFilter } from "../log/log_reader.ts";

interface Flags {
  db?: string;
  json?: boolean;
  follow?: boolean;
  room?: string[];
  head?: string[];
  headFile?: string;
  sender?: string;
  since?: string;
  until?: string;
  keyFile?: string;
  format?: "jsonl" | "csv";
}

/** A date, or a date and a time of day: UTC unless it says otherwise. */
const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/;

const VERIFY_HELP = `
A chain needs no secret: who can write to the file can also recompute it, or cut
off its end. Heads that were noted elsewhere tell: a stopping server prints one,
/head in a client shows one, and so does this command.
Exit codes: 0 done, 1 failure, 2 usage, 5 the log is not what was written, or
damaged.`;

const SHOW_HELP = `
A message that cannot be read, or that is not what its sender wrote, is shown as
such after "--", and the exit code is 1. What is said in a sealed room is for
its members: it is shown as sealed, unless --key-file has what one of them wrote
with /keys export. Their clients check who signed it; this command does not.`;

const EXPORT_HELP = `
With keys, each row also has a text, or else an error, and the exit code is 1 if
one has an error. "action" is true for what somebody does (/me), "sealed" for a
row of a sealed room without its key, "leave" for who asks to leave one;
"commit" is the SHA-256 of a change of its members or keys. In CSV, what a
spreadsheet would take for a formula (it begins with = + - @ or a control
character) gets a ' before it; JSON lines are exact.`;

/** Adds `log verify`, `log show` and `log export`. What they need is loaded when they run. */
export function addLogCommands(program: Command, defaultDb: string): void {
  const log = program.command("log").description("the message log: verify, show, export");
  const define = (
    name: string,
    description: string,
    run: (flags: Flags, db: string) => Promise<void>,
  ): Command =>
    log.command(name).description(description)
      .option("--db <file>", `the database (default: ${defaultDb})`)
      .action((_: unknown, command: Command) => {
        const flags: Flags = command.optsWithGlobals();
        return run(flags, flags.db ?? defaultDb);
      });
  addVerifyFlags(define("verify", "check that no message was changed: exit 5 if one was", verify));
  addShowFlags(define("show", "decrypt and show messages, times in UTC", show));
  addExportFlags(define("export", "write the log to the standard output", exportRows));
}

function addVerifyFlags(command: Command): void {
  command
    .option("--json", "say the outcome as JSON")
    .option("--room <room>", "this room alone; may be repeated", collect)
    .option("--head <head>", '"ROOM SEQ CHAIN", noted earlier; may be repeated', collect)
    .option("--head-file <file>", "noted heads, one a line")
    .addHelpText("after", VERIFY_HELP);
}

function addShowFlags(command: Command): void {
  addFilterFlags(command)
    .option("--json", "one object of JSON a message")
    .option("--key-file <file>", "the Fernet keys, one a line (-: stdin); else asks")
    .option("--follow", "go on with what is appended, until Ctrl-C")
    .addHelpText("after", SHOW_HELP);
}

function addExportFlags(command: Command): void {
  addFilterFlags(command)
    .option("--json", "the same as --format jsonl")
    .addOption(
      new Option("--format <format>", "JSON lines (the default) or CSV")
        .choices(["jsonl", "csv"]).conflicts("json"),
    )
    .option("--key-file <file>", "add the texts, with these keys (-: stdin)")
    .addHelpText("after", EXPORT_HELP);
}

function addFilterFlags(command: Command): Command {
  return command
    .option("--room <room>", "this room alone; may be repeated", collect)
    .option("--sender <name>", "messages of this account alone")
    .option("--since <time>", "sent then or later: 2026-01-31 or 2026-01-31T08:00")
    .option("--until <time>", "sent before that");
}

async function verify({ room, head, headFile, json }: Flags, db: string): Promise<void> {
  const { verifyCommand } = await import("./log_verify.ts");
  await verifyCommand({
    db,
    ...(room === undefined ? {} : { rooms: room }),
    heads: head ?? [],
    ...(headFile === undefined ? {} : { headFile }),
    json: json ?? false,
  });
}

async function show(flags: Flags, db: string): Promise<void> {
  const { json = false, follow = false } = flags;
  const options = { ...rowsOptions(flags, db), json, follow };
  const { showCommand } = await import("./log_rows.ts");
  await showCommand(options);
}

async function exportRows(flags: Flags, db: string): Promise<void> {
  const options = { ...rowsOptions(flags, db), format: flags.format ?? "jsonl" };
  const { exportCommand } = await import("./log_rows.ts");
  await exportCommand(options);
}

function rowsOptions(
  { room, sender, since, until, keyFile }: Flags,
  db: string,
): { db: string; filter: RowFilter; keyFile?: string } {
  const filter: RowFilter = {
    ...(room === undefined ? {} : { rooms: room }),
    ...(sender === undefined ? {} : { sender }),
    ...(since === undefined ? {} : { since: parseTime("--since", since) }),
    ...(until === undefined ? {} : { until: parseTime("--until", until) }),
  };
  return { db, filter, ...(keyFile === undefined ? {} : { keyFile }) };
}

/** The time as the log writes it. */
function parseTime(flag: string, text: string): string {
  const [matched, zone] = TIME.exec(text) ?? [];
  const time = new Date(`${text}${text.includes("T") && zone === undefined ? "Z" : ""}`);
  if (matched === undefined || Number.isNaN(time.getTime())) {
    throw new CallerError("time-malformed", `Cannot use ${flag} ${text}: it is not a time`, {
      hint: "write it as 2026-01-31 or 2026-01-31T08:00:00Z",
    });
  }
  return time.toISOString();
}

function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}
