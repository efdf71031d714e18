/**
 * People in rooms, through the real programs: who is there, who is away, what a room is about, and
 * what is never sent.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Class, command } from "./classroom.ts";
import type { Talker } from "./near_client.ts";
import type { Event } from "./programs.ts";

/** Types a command; the next notices, up to one that matches. */
async function answerTo(client: Talker, line: string, last: RegExp): Promise<string[]> {
  await command(client, line);
  const said: string[] = [];
  while (!last.test(said.at(-1) ?? "")) {
    said.push(String((await client.event("notice"))["message"]));
  }
  return said;
}

/** The changes of presence that a client is told, up to one of a kind. */
async function changesUpTo(client: Talker, change: string): Promise<Event[]> {
  for (;;) {
    const changes = (await client.event("presence"))["changes"] as Event[];
    if (changes.some((one) => one["change"] === change)) return changes;
  }
}

Deno.test("/names and /whois show who is there, in how many sessions, and who is away and why", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await using first = await room.join("alice");
  await using _ = await room.join("alice");
  await command(first, "/away lunch");
  await first.event("notice");
  const names = (await answerTo(olga, "/names", /olga/)).join(" ");
  assert.match(names, /alice .*lunch/);
  assert.match(names, /olga .*operator/);
  const about = (await answerTo(olga, "/whois ALICE", /127\.0\.0\.1/)).join(" ");
  assert.match(about, /alice/);
  assert.match(about, /lunch/);
  assert.match(about, /2 sessions/);
  assert.match(about, /lobby/);
});

Deno.test("/away, /back and /leave are told to the room, and whoever comes later hears nothing of it", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await using alice = await room.join("alice");
  await command(alice, "/away tea");
  const [away] = (await changesUpTo(olga, "away")).filter(({ change }) => change === "away");
  assert.deepEqual(away, { user: "alice", change: "away", text: "tea" });
  await command(alice, "/back");
  await changesUpTo(olga, "back");
  await command(alice, "/leave");
  await alice.event("left");
  assert.ok((await changesUpTo(olga, "left")).some(({ user }) => user === "alice"));
  await using mallory = await room.join("mallory");
  await mallory.endInput();
  assert.equal(await mallory.ended(), 0);
  const presence = mallory.seen.map((line) => JSON.parse(line))
    .filter(({ type }) => type === "presence").flatMap(({ changes }) => changes);
  assert.ok(presence.every(({ user }) => user === "mallory"), JSON.stringify(presence));
});

Deno.test("a topic is changed by an operator alone, told to the room, and there for who comes later", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await using alice = await room.join("alice");
  await command(alice, "/topic mine");
  assert.equal((await alice.event("error"))["code"], "not-operator");
  await command(olga, "/topic exam on Friday");
  const { topic, by, kind } = await alice.event("topic");
  assert.deepEqual([topic, by, kind], ["exam on Friday", "olga", "open"]);
  await room.restart();
  await using late = await room.join("mallory");
  assert.match((await answerTo(late, "/topic", /./)).join(" "), /exam on Friday/);
});

Deno.test("/msg without a text and unknown commands send nothing; two slashes send one", async () => {
  await using room = await Class.start();
  await using olga = await room.join("olga");
  await using alice = await room.join("alice");
  for (const line of ["/msg olga", "/frobnicate now", "//slashed"]) {
    await command(alice, line);
  }
  const refusals = [];
  for (let at = 0; at < 2; at += 1) refusals.push(await alice.event("error"));
  assert.match(String(refusals[0]?.["message"]), /\/msg NAME TEXT/);
  assert.match(String(refusals[1]?.["message"]), /no command \/frobnicate/);
  assert.equal((await olga.event("message"))["text"], "/slashed");
});
