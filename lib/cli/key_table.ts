/**
 * `server key show`: a ring's keys, and how many messages of a database need each.
 *
 * @module
 */

import { sanitizeText } from "../client/terminal/sanitize.ts";
import { formatJson } from "../json_line.ts";
import { LogReader } from "../log/log_reader.ts";
import { loadKeyFile } from "../server/key_file.ts";
import { say } from "./program.ts";

/** What `key show` is asked for. */
export interface ShowOptions {
  /** The database whose messages are counted. */
  db?: string;
  /** Whether the keys themselves are shown. */
  reveal: boolean;
  json: boolean;
}

/** A key of the ring, or one that messages need and the ring lacks. */
interface Row {
  id: string;
  newest?: true;
  /** The messages that need it, if they were counted. */
  messages?: number;
  key?: string;
}

/**
 * Shows the keys, newest first, then those that are missing.
 *
 * @throws {EnvironmentError} if the key file or the database cannot be read.
 */
export function showKeys(path: string, { db, reveal, json }: ShowOptions): void {
  const ring = loadKeyFile(path);
  const uses = db === undefined ? undefined : countUses(db);
  const keys = ring.keys.map((key, at): Row => ({
    id: key.id,
    ...(at === 0 ? { newest: true } : {}),
    ...(uses === undefined ? {} : { messages: uses.get(key.id) ?? 0 }),
    ...(reveal ? { key: key.toString() } : {}),
  }));
  const missing = [...uses ?? []]
    .filter(([id]) => ring.find(id) === undefined)
    .map(([id, messages]): Row => ({ id, messages }));
  if (json) say(formatJson({ keys, ...(uses === undefined ? {} : { missing }) }));
  else say(formatTable(keys, missing));
}

function countUses(db: string): Map<string, number> {
  using reader = LogReader.open(db);
  return reader.countByKey();
}

function formatTable(keys: readonly Row[], missing: readonly Row[]): string {
  const lines = [
    ...keys.map((row) => formatRow(row, row.newest ? "newest" : "")),
    ...missing.map((row) => formatRow(row, "missing: no key here reads them")),
  ];
  const counted = keys[0]?.messages !== undefined;
  return [counted ? "KEY ID      MESSAGES" : "KEY ID", ...lines].join("\n");
}

function formatRow({ id, messages, key }: Row, remark: string): string {
  const cells = [
    sanitizeText(id), // an edited database may hold anything
    ...(messages === undefined ? [] : [String(messages).padStart(10)]),
    ...(key === undefined ? [] : [key]),
    remark,
  ];
  return cells.join("  ").trimEnd();
}
