/**
 * A class comes and goes, in a real server's lobby, seen by a client.
 * Takes seconds: a process, and the server's two seconds of quiet, twice.
 *
 * @module
 */

import assert from "node:assert/strict";
import { joinQuickly, type QuickMember } from "../attacks/quick_login.ts";
import { TempFolder } from "../attacks/server.ts";
import { makeAccounts, NearClient } from "./near_client.ts";
import { ServerProgram } from "./programs.ts";

const CLASS = Array.from({ length: 40 }, (_, at) => `student${at + 1}`);

/** Presence events that tell of a whole class: more only where a computer stalls for seconds. */
const FEW = 4;

/** Reads presence events until all of the class have changed so; how many events that took. */
async function readChanges(watcher: NearClient, wanted: "joined" | "left"): Promise<number> {
  const told: string[] = [];
  for (let events = 1;; events += 1) {
    const event = await watcher.event("presence");
    const changes = event["changes"] as { user: string; change: string }[];
    told.push(
      ...changes.filter(({ user, change }) => user !== "teacher" && change === wanted)
        .map(({ user }) => user),
    );
    assert.equal(event["more"], 0);
    if (told.length < CLASS.length) continue;
    assert.deepEqual(told.sort(), CLASS.toSorted(), "each is named once");
    return events;
  }
}

Deno.test("40 who arrive are told together, and 40 who leave", async () => {
  using folder = new TempFolder();
  const db = folder.file("chat.db");
  const students = CLASS.map((username) => ({ username, password: "pw" }));
  const who = { username: "teacher", password: "pw" };
  await makeAccounts(db, { near: [who, ...students], far: [] });
  await using server = await ServerProgram.start(["--db", db]);
  await using teacher = await NearClient.start(server.port, who);
  const members: QuickMember[] = [];
  for (const username of CLASS) {
    members.push(await joinQuickly(server.port, { username, password: "pw" }));
  }
  assert.ok(await readChanges(teacher, "joined") <= FEW);
  for (const { channel } of members) await channel.close();
  assert.ok(await readChanges(teacher, "left") <= FEW);
});
