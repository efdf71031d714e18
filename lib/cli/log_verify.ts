/**
 * `server log verify`: checks the whole log, and says where it first is not what was written.
 *
 * @module
 */

import { CallerError, EnvironmentError, VerificationError } from "../errors.ts";
import { formatJson } from "../json_line.ts";
import type { LogFault } from "../log/diagnosis.ts";
import { isDamage, LogReader } from "../log/log_reader.ts";
import { type NotedHead, type Verdict, verifyLog } from "../log/verify.ts";
import { sanitizeText } from "../client/terminal/sanitize.ts";
import { Progress } from "./progress.ts";
import { say } from "./program.ts";

/** What an operator asks for. */
export interface VerifyOptions {
  db: string;
  /** These rooms alone. */
  rooms?: readonly string[];
  /** Noted heads: `ROOM SEQ CHAIN`. */
  heads: readonly string[];
  /** A file with one noted head a line. */
  headFile?: string;
  json: boolean;
}

/** As a stopping server prints it, and as a client's `/head` does. */
const HEAD = /^(?:Log head: |-- )?([a-z0-9][a-z0-9_-]{0,31}) (\d{1,15}) ([0-9a-f]{64})$/;

/** Bytes of a file of heads: some ten thousand rooms. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Verifies and says what it found.
 *
 * @throws {VerificationError} if the log is not what was written, or damaged so that nobody can tell.
 * @throws {EnvironmentError} if the database or the file of heads cannot be read, or if there is
 * nothing to verify in a room that was named.
 * @throws {CallerError} `head-malformed`.
 */
export async function verifyCommand(options: VerifyOptions): Promise<void> {
  const noted = [...options.heads.map((text) => parseHead(text)), ...fromFile(options.headFile)]
    .filter(({ room }) => options.rooms?.includes(room) ?? true);
  const verdict = await verify(options, noted);
  if (verdict.fault !== undefined) throw failed(verdict.fault, options.json);
  const empty = options.rooms?.find((room) => verdict.heads.every((head) => head.room !== room));
  if (empty !== undefined) {
    throw new EnvironmentError("room-empty", `There is no message in ${empty} to verify`, {
      hint: "check the room's name, or leave out --room",
    });
  }
  const { rows, heads } = verdict;
  const json = { event: "log-verified", rows, heads, noted: noted.length };
  say(options.json ? formatJson(json) : describe(verdict, noted.length));
}

async function verify(
  { db, rooms, json }: VerifyOptions,
  noted: readonly NotedHead[],
): Promise<Verdict> {
  let rows = 0;
  try {
    using reader = LogReader.open(db);
    const filter = rooms === undefined ? {} : { rooms };
    using progress = new Progress(reader.count(filter));
    return await verifyLog(reader.rows(filter), noted, () => {
      progress.step();
      rows += 1;
    });
  } catch (error) {
    throw isDamage(error) ? damaged(error, rows, json) : error;
  }
}

/** Whatever stood in the damaged place is not there any more: exit 5, as for a broken chain. */
function damaged(cause: EnvironmentError, rows: number, json: boolean): VerificationError {
  const kind = "damaged";
  const readable = rows === 0 ? "no row" : `only the first ${rows} of its rows`;
  const says = `${readable} can be read`;
  if (json) say(formatJson({ event: "log-broken", kind, rows, message: says }));
  return new VerificationError(`log-${kind}`, `The log breaks: ${kind}: ${says}`, {
    cause,
    ...(cause.hint === undefined ? {} : { hint: cause.hint }),
  });
}

function parseHead(text: string, source = "--head"): NotedHead {
  const [, room, seq, chain] = HEAD.exec(text.trim()) ?? [];
  if (room === undefined || seq === undefined || chain === undefined) {
    throw new CallerError("head-malformed", `Cannot read the head from ${source}`, {
      hint: "it is a room, a seq and a chain value of 64 hex digits, as /head shows them",
    });
  }
  return { room, seq: Number(seq), chain };
}

function fromFile(path: string | undefined): NotedHead[] {
  if (path === undefined) return [];
  return readFile(path).split("\n")
    .map((text, at) => ({ text: text.trim(), source: `${path}, line ${at + 1}` }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"))
    .map(({ text, source }) => parseHead(text, source));
}

function readFile(path: string): string {
  try {
    if (Deno.statSync(path).size > MAX_FILE_BYTES) throw new RangeError("it is too large");
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EnvironmentError("head-file-unusable", `Cannot read ${path}: ${reason}`, {
      cause,
      hint: "name a text file that has one noted head a line",
    });
  }
}

function failed(fault: LogFault, json: boolean): VerificationError {
  const { id, room, seq, kind, says } = fault;
  if (json) say(formatJson({ event: "log-broken", kind, id, room, seq, message: says }));
  const row = id === undefined ? "" : `id ${id}, `;
  return new VerificationError(
    `log-${kind}`,
    `The log breaks at ${row}${room} seq ${seq}: ${kind}: ${says}`,
    { hint: "keep the file, and compare it with a backup" },
  );
}

/** What holds now; each room's head, to be noted for the next time. */
function describe({ rows, heads }: Verdict, noted: number): string {
  const count = (number: number, what: string): string =>
    `${number} ${what}${number === 1 ? "" : "s"}`;
  const compared = noted === 0
    ? "No noted head was given, so a cut-off end or a recomputed chain would not show."
    : `It agrees with ${count(noted, "noted head")}.`;
  const lines = [
    `The chain is unbroken: ${count(rows, "message")} in ${count(heads.length, "room")}`,
    compared,
    ...heads.map(({ room, seq, chain }) => sanitizeText(`${room} ${seq} ${chain}`)),
  ];
  return lines.join("\n");
}
