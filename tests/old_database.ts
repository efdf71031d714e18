/**
 * Databases that earlier versions made, in `testdata/`: copies that a test may open and change.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../lib/database.ts";
import { MIGRATIONS } from "../lib/database_schema.ts";
import { FernetKey, KeyRing } from "../lib/fernet.ts";
import { LogReader } from "../lib/log/log_reader.ts";
import { verifyLog } from "../lib/log/verify.ts";
import { openText } from "../lib/rooms/open_room.ts";
import { TempFolder } from "./attacks/server.ts";

/** The key of their messages. */
const KEY = "q27KQ7LMCUZsdiM0hGHK0hTA2lTbLrYRy1kP6X0Fm8E=";

/** A copy of one, with the key's file, in a folder of its own. */
export class OldDatabase implements Disposable {
  readonly #folder = new TempFolder();
  readonly path = this.#folder.file("chat_logs.db");
  readonly keyFile = this.#folder.file("keys");

  constructor(version: number) {
    Deno.copyFileSync(new URL(`testdata/version-${version}.sqlite`, import.meta.url), this.path);
    Deno.writeTextFileSync(this.keyFile, `${KEY}\n`);
    assert.equal(this.version(), version, "the fixture's version");
  }

  /** Its schema's version, as it is in the file. */
  version(): unknown {
    return this.query("PRAGMA user_version")[0]?.["user_version"];
  }

  /** What SQL gives, past all that this project does. */
  query(sql: string): Record<string, unknown>[] {
    const database = new DatabaseSync(this.path);
    try {
      return database.prepare(sql).all().map((row) => ({ ...row }));
    } finally {
      database.close();
    }
  }

  /** Opens it with this version, as a server's start does. */
  migrate(): void {
    openDatabase(this.path).close();
    assert.equal(this.version(), MIGRATIONS.length);
  }

  /** The chains end in these heads, and the key reads the texts, each with its sender. */
  async assertMessages(
    texts: readonly (readonly [string, string])[],
    heads: Parameters<typeof verifyLog>[1],
  ): Promise<void> {
    using reader = LogReader.open(this.path);
    const rows = await Array.fromAsync(reader.rows({}));
    const ring = new KeyRing([FernetKey.parse(KEY)]);
    const said = rows.map((row) => {
      const { room, sender, messageId: id, sentAt: sent_at } = row;
      return [sender, openText(ring, { room, sender, id, sent_at }, row)];
    });
    assert.deepEqual(said, texts);
    const verdict = await verifyLog(reader.rows({}), heads);
    assert.deepEqual([verdict.rows, verdict.fault], [texts.length, undefined]);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
