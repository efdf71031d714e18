/**
 * What a server told of messages against what is in its table.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Talker } from "./near_client.ts";

/** What became of messages: a `seq` for each that was acked, and the others. */
export interface Fates {
  acked: Map<string, number>;
  refused: Set<string>;
}

/** The table's rows in order, as another program reads them. */
export function storedRows(db: string): { seq: number; id: string }[] {
  const database = new DatabaseSync(db, { readOnly: true });
  try {
    const query = "SELECT seq, message_id AS id FROM messages WHERE room = 'lobby' ORDER BY seq";
    return database.prepare(query).all().map((row) => ({ ...row } as { seq: number; id: string }));
  } finally {
    database.close();
  }
}

/** Reads a client's events until so many of its messages are acked or refused. */
export async function fatesOf(client: Talker, count: number): Promise<Fates> {
  const fates: Fates = { acked: new Map(), refused: new Set() };
  while (fates.acked.size + fates.refused.size < count) {
    const event = JSON.parse(await client.until((line) => /^{"type":"(?:ack|error)"/.test(line)));
    if (event.type === "ack") fates.acked.set(event.id, event.seq);
    else if (event.id !== undefined) fates.refused.add(event.id); // others are not about a message
  }
  return fates;
}

/** Asserts that each acked message is in the table exactly once, where its ack said. */
export function assertStored(db: string, ...all: readonly Fates[]): void {
  const rows = storedRows(db);
  assert.deepEqual(rows.map(({ seq }) => seq), rows.map((_, at) => at + 1), "seq without gaps");
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length, "no id twice");
  const stored = new Map(rows.map(({ id, seq }) => [id, seq]));
  for (const [id, seq] of all.flatMap(({ acked }) => [...acked])) {
    assert.equal(stored.get(id), seq, `${id} was acked`);
  }
}
