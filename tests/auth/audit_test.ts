/**
 * The audit trail: entries come back as they were noted, in pages, the newest last.
 *
 * @module
 */

import assert from "node:assert/strict";
import { AuditTrail, type Deed } from "../../lib/auth/audit.ts";
import { openDatabase, transaction } from "../../lib/database.ts";
import { TempFolder } from "../attacks/server.ts";

const BAN: Deed = { actor: "alice", action: "ban", target: "bob", reason: "" };

Deno.test("read() gives back what was noted, with what was left out as null", () => {
  using folder = new TempFolder();
  const database = openDatabase(folder.file("a.db"));
  const trail = new AuditTrail(database, "a.db");
  const at = "2026-01-01T12:00:00.000Z";
  const until = "2026-01-02T12:00:00.000Z";
  const full = { ...BAN, room: "physics", until, reason: "spam" };
  trail.note(BAN, new Date(at));
  trail.note(full, new Date(at));
  assert.deepEqual(trail.read(10).map((entry) => ({ ...entry })), [
    { id: 1, at, ...BAN, room: null, until: null },
    { id: 2, at, ...full },
  ]);
  database.close();
});

Deno.test("read() pages backwards, each page with its newest last", () => {
  using folder = new TempFolder();
  const database = openDatabase(folder.file("a.db"));
  const trail = new AuditTrail(database, "a.db");
  for (let count = 0; count < 5; count += 1) trail.note(BAN);
  const ids = (limit: number, before?: number): number[] =>
    trail.read(limit, before).map(({ id }) => id);
  assert.deepEqual([ids(2), ids(2, 4), ids(2, 2), ids(2, 1)], [[4, 5], [2, 3], [1], []]);
  database.close();
});

Deno.test("an entry stands or falls with the transaction around it", () => {
  using folder = new TempFolder();
  const database = openDatabase(folder.file("a.db"));
  const trail = new AuditTrail(database, "a.db");
  const failing = (): void =>
    transaction(database, () => {
      trail.note(BAN);
      throw new RangeError("no");
    });
  assert.throws(failing, RangeError);
  assert.deepEqual(trail.read(10), []);
  transaction(database, () => trail.note(BAN));
  assert.equal(trail.read(10).length, 1);
  database.close();
});
