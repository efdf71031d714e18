/**
 * A roster: a spreadsheet's table of people, each of whom gets an invite. It comes as CSV from
 * whatever program a school has, and goes back as CSV with one column more.
 *
 * @module
 */

import { CsvError, parse } from "csv-parse/sync";
import { CallerError, EnvironmentError } from "../errors.ts";
import { MAX_LABEL_CHARS } from "../server/invitations.ts";
import { csvLine } from "./csv.ts";

/** What the new column is called. */
const INVITE = "invite";

/** Titles of the column whose content says best who it is, the best first. */
const LABELS = [
  ...["username", "user name", "user", "login", "name", "full name", "student", "student name"],
  ...["email", "e-mail", "mail", "email address", "e-mail address"],
];

/** Other titles that a first row may have, but no person. */
const OTHER_TITLES = [
  ...["first name", "firstname", "given name", "last name", "lastname", "surname", "family name"],
  ...["id", "student id", "number", "no", "class", "group", "course", "section", "team", "grade"],
];

/** Between fields: as RFC 4180 has it, as spreadsheets write it in other languages, or tabs. */
const DELIMITERS = [",", ";", "\t"] as const;

/** Bytes of a file: what is larger was named by mistake. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** A table of people. All rows have as many fields. */
export interface Roster {
  /** Its first row, if that has titles. */
  header: string[] | undefined;
  /** One a person. */
  rows: string[][];
  /** Who each row is, for the operator's eyes. */
  labels: string[];
}

/**
 * Reads a roster's file.
 *
 * @throws {EnvironmentError} `roster-unreadable`.
 * @throws {CallerError} as {@linkcode parseRoster}.
 */
export async function readRoster(path: string): Promise<Roster> {
  let bytes: Uint8Array;
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES) throw new RangeError("it is too large");
    bytes = await Deno.readFile(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot read the roster ${path}: ${reason}`;
    throw new EnvironmentError("roster-unreadable", message, { cause, hint: "name a CSV file" });
  }
  return parseRoster(bytes);
}

/**
 * Reads a roster. Rows without any content are left out; short ones are filled up. The first row
 * holds titles if one of its fields is a title that is known here, such as `name`.
 *
 * @throws {CallerError} `roster-invalid`.
 */
export function parseRoster(bytes: Uint8Array): Roster {
  const records = parseCsv(decode(bytes));
  const width = Math.max(0, ...records.map((record) => record.length));
  for (const record of records) {
    while (record.length < width) record.push("");
  }
  const header = records[0]?.some(isTitle) ? records.shift() : undefined;
  if (records.length === 0) {
    throw invalid("There is nobody in the roster", "write one row a person");
  }
  if (header?.some((title) => normalize(title) === INVITE)) {
    throw invalid(`The roster has a column ${INVITE} already`, "remove it, or rename it");
  }
  const column = labelColumn(header);
  return { header, rows: records, labels: records.map((record) => asLabel(record[column] ?? "")) };
}

/** The roster as CSV with the links as its last column: lines without their final line feed. */
export function formatRoster({ header, rows }: Roster, links: readonly string[]): string[] {
  const all = rows.map((row, at) => [...row, links[at] ?? ""]);
  return [...header === undefined ? [] : [[...header, INVITE]], ...all].map(csvLine);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes); // it drops a byte order mark
  } catch (cause) {
    throw invalid("The roster is not UTF-8", "save it as CSV in UTF-8", cause);
  }
}

function parseCsv(text: string): string[][] {
  try {
    return parse(text, {
      delimiter: findDelimiter(text),
      relax_column_count: true,
      skip_empty_lines: true,
      skip_records_with_empty_values: true,
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    const hint = "save it as CSV from a spreadsheet program";
    throw invalid(`The roster is not CSV: a quote is wrong at line ${cause["lines"]}`, hint, cause);
  }
}

/** The one that is most often in the first line. */
function findDelimiter(text: string): string {
  const [line = ""] = text.trimStart().split(/[\r\n]/, 1);
  const counts = DELIMITERS.map((delimiter) => line.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] as string;
}

function isTitle(field: string): boolean {
  return [INVITE, ...LABELS, ...OTHER_TITLES].includes(normalize(field));
}

function labelColumn(header: readonly string[] | undefined): number {
  const titles = header?.map(normalize) ?? [];
  const title = LABELS.find((one) => titles.includes(one));
  return title === undefined ? 0 : titles.indexOf(title);
}

function normalize(title: string): string {
  return title.trim().toLowerCase().replaceAll(/[\s_]+/g, " ");
}

/** One line, short enough; the row itself stays as it is. */
function asLabel(field: string): string {
  const line = field.replaceAll(/\p{Cc}+/gu, " ").trim();
  return line.slice(0, MAX_LABEL_CHARS).replace(/\p{Cs}$/u, ""); // half of a character, cut off
}

function invalid(message: string, hint: string, cause?: unknown): CallerError {
  return new CallerError("roster-invalid", message, { cause, hint });
}
