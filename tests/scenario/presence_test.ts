/**
 * A class comes and goes, in a real server's lobby, seen by a real client.
 * Takes seconds: processes, the server's two seconds of quiet, and Argon2id for each account.
 *
 * @module
 */

import assert from "node:assert/strict";
import { addQuickAccounts, joinQuickly, type QuickMember } from "../attacks/quick_login.ts";
import { TempFolder } from "../attacks/server.ts";
import { addUser, JsonClient, ServerProgram } from "./programs.ts";

const CLASS = Array.from({ length: 40 }, (_, at) => `student${at + 1}`);

/** Presence events that tell of a whole class: more only where a computer stalls for seconds. */
const FEW = 4;

/** Reads presence events until all of the class have changed so; how many events that took. */
async function readChanges(watcher: JsonClient, wanted: "joined" | "left"): Promise<number> {
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
  await addUser(db, "teacher", "pw");
  await addQuickAccounts(db, CLASS.map((username) => ({ username, password: "pw" })));
  await using server = await ServerProgram.start(["--db", db]);
  await using teacher = await JsonClient.start(server.port, "teacher", "pw");
  const members: QuickMember[] = [];
  for (const username of CLASS) {
    members.push(await joinQuickly(server.port, { username, password: "pw" }));
  }
  assert.ok(await readChanges(teacher, "joined") <= FEW);
  for (const { channel } of members) await channel.close();
  assert.ok(await readChanges(teacher, "left") <= FEW);
});
