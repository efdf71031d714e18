/**
 * Pages of a room's past, from the newest to the oldest, each with the chain value that it continues:
 * a client that knows the value at a page's end can check all of it.
 *
 * @module
 */

import { chainStart } from "../log/chain.ts";
import type { LogEntry, MessageLog } from "../log/message_log.ts";
import { MAX_HISTORY_CHARS } from "./limits.ts";

/** Some entries of a room that follow one another. */
export interface HistoryPage {
  /** In the order of their `seq`. */
  entries: LogEntry[];
  /** The page ends right before this `seq`. */
  before: number;
  /** The chain's value before the first entry. */
  previous: string;
}

/** Which entries are wanted. */
export interface HistoryRange {
  /** Those before this `seq`. */
  before: number;
  /** So many at most. */
  limit: number;
  /** None up to this `seq`. */
  since: number;
}

/**
 * The last entries of a room before `before`: at most `limit`, fewer if their tokens have more than
 * 256 Ki characters together, but one if there is one.
 *
 * @throws {EnvironmentError} if the log cannot be read.
 */
export async function readHistory(
  log: MessageLog,
  room: string,
  { before, limit, since }: HistoryRange,
): Promise<HistoryPage> {
  const end = Math.max(since + 1, Math.min(before, (await log.head(room)).seq + 1));
  const first = Math.max(since + 1, end - limit);
  // One more than is wanted, for its chain value.
  const read = await log.read(room, Math.max(0, first - 2), end - Math.max(1, first - 1));
  const entries = lastThatFit(read.filter(({ seq }) => seq >= first && seq < end));
  const earlier = read.findLast(({ seq }) => seq < (entries[0]?.seq ?? end));
  return { entries, before: end, previous: earlier?.chain ?? chainStart(room) };
}

function lastThatFit(entries: readonly LogEntry[]): LogEntry[] {
  let size = 0;
  let from = entries.length;
  for (; from > 0; from -= 1) {
    size += entries[from - 1]?.token.length ?? 0;
    if (size > MAX_HISTORY_CHARS && from < entries.length) break;
  }
  return entries.slice(from);
}
