/**
 * A room with a long past, put into the log faster than anyone could say it.
 *
 * @module
 */

import { openDatabase } from "../../lib/database.ts";
import type { FernetKey } from "../../lib/fernet.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";

/** Messages of a commit. */
const BATCH = 2_000;

/** What fills a log. */
export interface Filling {
  db: string;
  key: FernetKey;
  sender: string;
  count: number;
  /** The text of the message at a place: 1, 2, 3, … */
  text(seq: number): string;
}

/** Appends messages to the lobby, a minute apart, from the beginning of 2026 on. */
export async function fillLog({ db, key, sender, count, text }: Filling): Promise<void> {
  const database = openDatabase(db);
  try {
    const log = new SqliteLog(database, db);
    let stored: Promise<LogEntry> | undefined;
    for (let seq = 1; seq <= count; seq += 1) {
      const sent_at = new Date(Date.UTC(2026, 0, 1) + seq * 60_000).toISOString();
      const [room, id] = [LOBBY, `f${seq}`];
      const sealed = sealText(key, { room, sender, id, sent_at }, text(seq));
      stored = log.append({ room, sender, messageId: id, sentAt: sent_at, ...sealed });
      if (seq % BATCH === 0) await stored;
    }
    await stored;
    await log.close();
  } finally {
    database.close();
  }
}
