/**
 * How many commits a database has taken, seen from outside.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";

/**
 * Counts the commits while some work goes on, in the write-ahead log: a frame that ends a commit
 * says how many pages the database has then, the others say 0
 * (https://sqlite.org/fileformat2.html#walformat). An open reader keeps the log from being restarted
 * meanwhile, which costs the writer time.
 */
export async function countCommits(db: string, work: () => Promise<void>): Promise<number> {
  using reader = new DatabaseSync(db, { readOnly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM messages").get();
  const before = commitsInLog(`${db}-wal`);
  await work();
  return commitsInLog(`${db}-wal`) - before;
}

function commitsInLog(path: string): number {
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  const frameBytes = 24 + view.getUint32(8); // its header, and a page
  const salt = view.getBigUint64(16); // frames of before the last restart have another one
  let commits = 0;
  for (let at = 32; at + frameBytes <= bytes.length; at += frameBytes) {
    if (view.getBigUint64(at + 8) !== salt) break;
    if (view.getUint32(at + 4) !== 0) commits += 1;
  }
  return commits;
}
