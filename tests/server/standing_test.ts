/**
 * What accounts may do, read for one or for all of them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { openDatabase } from "../../lib/database.ts";
import { CONSOLE, Operations } from "../../lib/server/operations.ts";
import { readAllStandings, readStanding } from "../../lib/server/standing.ts";
import { TempFolder } from "../attacks/server.ts";

Deno.test("all standings at once are what each account's own is", async () => {
  using folder = new TempFolder();
  const path = folder.file("chat_logs.db");
  const database = openDatabase(path);
  const operations = await Operations.open(database, path);
  const { accounts, sanctions } = operations;
  for (const name of ["Bob", "carol", "dave", "erin", "olga"]) {
    accounts.create(name, accounts.decoy, name === "olga" ? "operator" : "member");
  }
  operations.ban(CONSOLE, "bob", { reason: "spam", seconds: 60 });
  operations.mute(CONSOLE, "BOB", { reason: "" });
  operations.mute(CONSOLE, "carol", { reason: "noise" });
  sanctions.impose("dave", "ban", { until: "2020-01-01T00:00:00.000Z", reason: "over" });
  sanctions.impose("ERIN", "ban", { until: undefined, reason: "in another case" });
  const all = readAllStandings(operations);
  const names = accounts.list().map(({ name }) => name);
  assert.deepEqual([...all.keys()], names);
  for (const name of names) assert.deepEqual(all.get(name), readStanding(operations, name), name);
  assert.deepEqual(
    names.filter((name) => all.get(name)?.ban !== undefined),
    ["Bob", "erin"],
  );
  database.close();
});
