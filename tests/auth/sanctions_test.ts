/**
 * Bans and mutes: which hold, for whom, and until when.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Sanctions } from "../../lib/auth/sanctions.ts";
import { openDatabase } from "../../lib/database.ts";
import { TempFolder } from "../attacks/server.ts";

const NOON = new Date("2026-01-01T12:00:00.000Z");
const later = (ms: number): Date => new Date(NOON.getTime() + ms);

/** Runs a test over the sanctions of a new database; `reopen` is a restart. */
function withSanctions(test: (reopen: () => Sanctions) => void): void {
  using folder = new TempFolder();
  const path = folder.file("a.db");
  let database = openDatabase(path);
  test(() => {
    database.close();
    database = openDatabase(path);
    return new Sanctions(database, path);
  });
  database.close();
}

Deno.test("a ban without an end holds for ever, by every spelling of the name, over a restart", () => {
  withSanctions((reopen) => {
    reopen().impose("Alice", "ban", { until: undefined, reason: "spam" });
    const held = { until: undefined, reason: "spam" };
    assert.deepEqual(reopen().find("aLICE", "ban", later(1e12)), held);
  });
});

Deno.test("what has an end holds up to that moment, and not at it", () => {
  withSanctions((reopen) => {
    const sanctions = reopen();
    const until = NOON.toISOString();
    sanctions.impose("alice", "mute", { until, reason: "" });
    assert.deepEqual(sanctions.find("alice", "mute", later(-1)), { until, reason: "" });
    assert.equal(sanctions.find("alice", "mute", NOON), undefined);
  });
});

Deno.test("a ban is no mute, and nobody else's", () => {
  withSanctions((reopen) => {
    const sanctions = reopen();
    sanctions.impose("alice", "ban", { until: undefined, reason: "" });
    assert.equal(sanctions.find("alice", "mute"), undefined);
    assert.equal(sanctions.find("alic", "ban"), undefined);
    sanctions.impose("alice", "mute", { until: undefined, reason: "both" });
    assert.equal(sanctions.find("alice", "ban")?.reason, "");
  });
});

Deno.test("another ban takes the place of the one before, whether longer or shorter", () => {
  withSanctions((reopen) => {
    const sanctions = reopen();
    for (const until of [undefined, later(1).toISOString(), later(1e6).toISOString()]) {
      sanctions.impose("alice", "ban", { until, reason: String(until) });
      assert.deepEqual(sanctions.find("ALICE", "ban", NOON), { until, reason: String(until) });
    }
  });
});

Deno.test("lift() says whether something held", () => {
  withSanctions((reopen) => {
    const sanctions = reopen();
    assert.equal(sanctions.lift("alice", "ban"), false);
    sanctions.impose("alice", "ban", { until: NOON.toISOString(), reason: "" });
    assert.equal(sanctions.lift("alice", "ban", NOON), false, "its time was over");
    sanctions.impose("alice", "ban", { until: undefined, reason: "" });
    assert.equal(sanctions.lift("ALICE", "ban", NOON), true);
    assert.equal(sanctions.find("alice", "ban"), undefined);
  });
});
