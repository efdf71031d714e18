/**
 * `server log show` and `server log export`: the rows of a log, one after another, with their texts
 * where there is a key. Nothing is left out without a word.
 *
 * @module
 */

import { LineWriter } from "../client/output.ts";
import { sanitizeText } from "../client/terminal/sanitize.ts";
import { EnvironmentError } from "../errors.ts";
import { formatJson } from "../json_line.ts";
import { type IdRange, LogReader, type LogRow, type RowFilter } from "../log/log_reader.ts";
import { csvLine } from "./csv.ts";
import { promptRing, ringFromFile } from "./keys.ts";
import { asLine, openRow } from "./log_words.ts";
import { complain } from "./program.ts";
import { Progress } from "./progress.ts";
import { SealedNames } from "./sealed_names.ts";

/** What `show` and `export` are asked for. */
export interface RowsOptions {
  db: string;
  filter: RowFilter;
  /** Where the keys are: see `ringFromFile`. */
  keyFile?: string;
}

/** Characters that are gathered for one write. */
const PAGE_CHARS = 64 * 1024;

/**
 * Shows messages as text, or as one object of JSON a line; without a key file, asks for a key. With
 * `follow` it goes on with what is appended, until nobody reads any more.
 *
 * @throws {EnvironmentError} `log-unreadable` after all rows, if some could not be read.
 */
export async function showCommand(
  options: RowsOptions & { json: boolean; follow: boolean },
): Promise<void> {
  using reader = LogReader.open(options.db);
  using sealed = SealedNames.open(options.db);
  const { keyFile, json, follow } = options;
  const ring = keyFile === undefined ? await promptRing() : await ringFromFile(keyFile);
  await writeRows(reader, options.filter, (row) => {
    const opened = openRow(ring, sealed, row);
    const { room, seq, messageId: id, sender, sentAt: sent_at } = row;
    const line = json
      ? formatJson({ room, seq, id, sender, sent_at, ...opened })
      : asLine(row, opened);
    return { line, unreadable: opened.error !== null };
  }, { follow });
}

/**
 * Writes the rows as they are, and with a key file also `text`, and `error` where there is none.
 *
 * @throws {EnvironmentError} as {@linkcode showCommand}.
 */
export async function exportCommand(
  options: RowsOptions & { format: "jsonl" | "csv" },
): Promise<void> {
  using reader = LogReader.open(options.db);
  using sealed = SealedNames.open(options.db);
  const ring = options.keyFile === undefined ? undefined : await ringFromFile(options.keyFile);
  const csv = options.format === "csv";
  const columns = [...COLUMNS, ...(ring === undefined ? [] : OPENED)];
  const format = csv ? (record: Fields): string => safeCsvLine(columns, record) : formatJson;
  const header = csv ? csvLine(columns) : undefined;
  await writeRows(reader, options.filter, (row) => {
    const opened = ring === undefined ? undefined : openRow(ring, sealed, row);
    const record: Fields = { ...tableRow(row), ...opened };
    return { line: format(record), unreadable: typeof opened?.error === "string" };
  }, { ...(header === undefined ? {} : { header }) });
}

/** The table's columns, in its order. */
const COLUMNS = Object.keys(tableRow({} as LogRow));

/** What keys add to them. */
const OPENED = ["text", "error", "action", "commit", "leave", "sealed"];

function tableRow(row: LogRow): { [column: string]: string | number } {
  const { id, room, seq, sender, sentAt, keyId, messageId, token, chain } = row;
  return {
    id,
    room,
    seq,
    sender,
    sent_at: sentAt,
    key_id: keyId,
    message_id: messageId,
    token,
    chain,
  };
}

/** What a row says, by its columns; those behind `error` are there where they say something. */
interface Fields {
  [column: string]: string | number | true | null;
}

/** At a terminal, where a text could otherwise look like a row, each row is one line. */
function safeCsvLine(columns: readonly string[], record: Fields): string {
  const fields = columns.map((column) => record[column] ?? null);
  const line = csvLine(fields.map((field) => field === true ? "true" : field));
  if (!Deno.stdout.isTerminal()) return line;
  return `${sanitizeText(line.slice(0, -1))}\r`;
}

async function writeRows(
  reader: LogReader,
  filter: RowFilter,
  format: (row: LogRow) => { line: string; unreadable: boolean },
  { header, follow = false }: { header?: string; follow?: boolean },
): Promise<void> {
  const count = { rows: 0, unreadable: 0 };
  try {
    await using output = new PagedOutput();
    using progress = new Progress(reader.count(filter), {
      wanted: !follow && !Deno.stdout.isTerminal(),
    });
    if (header !== undefined) await output.write(header);
    for await (const range of ranges(reader, follow)) {
      for await (const row of reader.rows(filter, range)) {
        const { line, unreadable } = format(row);
        await output.write(line);
        progress.step();
        count.rows += 1;
        if (unreadable) count.unreadable += 1;
      }
      await output.flush();
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error; // whoever read has seen enough
  }
  if (count.unreadable > 0) throw unreadable(count);
}

/** The rows there are; with `follow`, then those that are appended, again and again. */
async function* ranges(reader: LogReader, follow: boolean): AsyncGenerator<IdRange, void> {
  let range = reader.range();
  yield range;
  if (follow) complain("Following the log: Ctrl-C ends it");
  while (follow) yield range = await reader.appended(range);
}

/** Lines to stdout, many in one write: a third of the time. What waits is written at the end. */
class PagedOutput implements AsyncDisposable {
  readonly #output = new LineWriter(Deno.stdout);
  #waiting: string[] = [];
  #size = 0;

  async write(line: string): Promise<void> {
    this.#waiting.push(line);
    this.#size += line.length;
    if (this.#size >= PAGE_CHARS) await this.flush();
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const page = this.#waiting.join("\n");
    [this.#waiting, this.#size] = [[], 0];
    await this.#output.write(page);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
  }
}

function unreadable(count: { rows: number; unreadable: number }): EnvironmentError {
  const message = `${count.unreadable} of ${count.rows} messages could not be read`;
  return new EnvironmentError("log-unreadable", message, {
    hint: "put the keys that are missing into --key-file; `log verify` finds what was altered",
  });
}
