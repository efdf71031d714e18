/**
 * The server's `audit` command: who did what to whom, why and when.
 *
 * @module
 */

import type { Command } from "commander";
import type { AuditEntry } from "../auth/audit.ts";
import { CallerError } from "../errors.ts";
import type { Operations } from "../server/operations.ts";
import { operatorCommand, type OperatorFlags, type Outcome } from "./operator_command.ts";

interface Flags extends OperatorFlags {
  limit?: string;
}

/** Entries that are shown if nobody says how many: some screens. */
const DEFAULT_LIMIT = 100;

const HELP = `
"console" is who ran the server's own commands. The table shows names of up to
14 columns on one line, and all times in UTC; with --json, each entry is one
line, with seconds.`;

const COLUMNS = [
  { title: "WHEN (UTC)" },
  { title: "WHO", max: 14 },
  { title: "DID", max: 14 },
  { title: "WHOM", max: 16 },
  { title: "WHY" },
];

/** Adds `audit`. */
export function addAuditCommand(program: Command, defaultDb: string): void {
  operatorCommand(
    program.command("audit").description("show what operators did, the newest last"),
    { defaultDb },
    audit,
  )
    .option("--limit <number>", `the last entries alone (default: ${DEFAULT_LIMIT})`)
    .addHelpText("after", HELP);
}

async function audit(operations: Operations, { limit }: Flags): Promise<Outcome> {
  const json = operations.audit.read(limit === undefined ? DEFAULT_LIMIT : parseLimit(limit));
  if (json.length === 0) return { lines: ["Nothing was done yet"], json };
  const { formatTable } = await import("./table.ts");
  return { lines: formatTable(COLUMNS, json.map(formatEntry)), json };
}

function formatEntry({ at, actor, action, target, room, until, reason }: AuditEntry): string[] {
  const details = [
    ...(room === null || room === target ? [] : [`in ${room}`]),
    ...(until === null ? [] : [`until ${minutes(until)}`]),
    ...(reason === "" ? [] : [reason]),
  ];
  return [minutes(at), actor, action, target, details.join(": ")];
}

function minutes(time: string): string {
  return time.slice(0, 16).replace("T", " ");
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (/^[0-9]{1,9}$/.test(text) && limit > 0) return limit;
  throw new CallerError("limit-invalid", `Cannot show ${text} entries`, {
    hint: "pass --limit a whole number from 1",
  });
}
