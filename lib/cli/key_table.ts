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
import { SealedNames } from "./sealed_names.ts";

/** What `key show` is asked for. */
export interface ShowOptions {
  /** The database whose messages are counted. */
  db?: string;
  /** Whether the keys themselves are shown. */
  reveal: boolean;
  json: boolean;
}

/** In the place of a key's id: those of sealed rooms, which are no operator's affair. */
const SEALED = "(sealed)";

/** A key of the ring, or one that messages need and the ring lacks. */
interface Row {
  id: string;
  newest?: true;
  /** The messages that need it, if they were counted. */
  messages?: number;
  key?: string;
}

/** What the messages of a database need. */
interface Uses {
  /** Messages by their keys' ids. */
  byKey: Map<string, number>;
  /** Those of them with messages in open rooms. */
  open: Set<string>;
}

/**
 * Shows the keys, newest first, then those that are missing; those of sealed rooms are their members'.
 *
 * @throws {EnvironmentError} if the key file or the database cannot be read.
 */
export function showKeys(path: string, { db, reveal, json }: ShowOptions): void {
  const ring = loadKeyFile(path);
  const uses = db === undefined ? undefined : countUses(db);
  const keys = ring.keys.map((key, at): Row => ({
    id: key.id,
    ...(at === 0 ? { newest: true } : {}),
    ...(uses === undefined ? {} : { messages: uses.byKey.get(key.id) ?? 0 }),
    ...(reveal ? { key: key.toString() } : {}),
  }));
  const others = [...uses?.byKey ?? []]
    .filter(([id]) => ring.find(id) === undefined)
    .map(([id, messages]) => ({ id, messages }));
  const missing = others.filter(({ id }) => uses?.open.has(id));
  const sealed = others.filter(({ id }) => !uses?.open.has(id))
    .reduce((sum, { messages }) => sum + messages, 0);
  if (json) say(formatJson({ keys, ...(uses === undefined ? {} : { missing, sealed }) }));
  else say(formatTable(keys, missing, sealed));
}

function countUses(db: string): Uses {
  using reader = LogReader.open(db);
  using names = SealedNames.open(db);
  const uses: Uses = { byKey: new Map(), open: new Set() };
  for (const { keyId, room, messages } of reader.countByKey()) {
    uses.byKey.set(keyId, messages + (uses.byKey.get(keyId) ?? 0));
    if (!names.has(room)) uses.open.add(keyId);
  }
  return uses;
}

function formatTable(keys: readonly Row[], missing: readonly Row[], sealed: number): string {
  const lines = [
    ...keys.map((row) => formatRow(row, row.newest ? "newest" : "")),
    ...missing.map((row) => formatRow(row, "missing: no key here reads them")),
    ...(sealed === 0 ? [] : [formatRow({ id: SEALED, messages: sealed }, "their members' alone")]),
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
