/**
 * Several sessions post and commit at once, each at the epoch that it believes to be the room's:
 * whatever meets whatever, an entry's place in the log tells its epoch, what was refused is nowhere,
 * and everyone is given the same, each commit's bytes before its entry.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { openDatabase } from "../../lib/database.ts";
import { Delivery } from "../../lib/delivery/delivery.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import { SqliteLog } from "../../lib/log/sqlite_log.ts";
import type { ServerMessage } from "../../lib/protocol/messages.ts";
import { PART_BYTES } from "../../lib/protocol/parts.ts";
import { ALICE, BOB, MALLORY, TestServer } from "../attacks/server.ts";
import { SeededRandom } from "../properties/seeded_random.ts";
import { bytesOf, epochKey, SealedMember } from "./sealed_member.ts";

const ROOM = "physics";
const SESSIONS = [ALICE, ALICE, BOB, MALLORY];
const ROUNDS = 12;
const DEEDS_A_ROUND = 8;
const SIZES = [1, 100, 1_000, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 7];

/** One session, and what it did. */
interface Racer {
  member: SealedMember;
  random: SeededRandom;
  /** The epoch that it believes to be the room's: what it has heard of so far. */
  epoch: number;
  /** Everything that it was told, in order. */
  told: ServerMessage[];
  /** What it said, by the ids: where it was acked, or that it was refused. */
  posts: Map<string, number | string>;
  /** The entries of its commits, by their requests; and the answers. */
  commits: Map<number, { id: string; answer?: string }>;
}

/** A room with some sessions in it, which have all of its log. */
async function gather(server: TestServer, seed: string): Promise<Racer[]> {
  const members: SealedMember[] = [];
  for (const who of SESSIONS) members.push(await SealedMember.withDevice(server, who));
  const [alice] = members as [SealedMember];
  assert.equal(await alice.create(ROOM), "done");
  await alice.invite(ROOM, 0, "bob", "mallory");
  for (const member of members) {
    await member.join(ROOM, 1);
    member.inbox.length = 0;
  }
  return members.map((member, at) => ({
    ...{ member, random: new SeededRandom(`${seed}/${at}`), epoch: 1 },
    ...{ told: [], posts: new Map(), commits: new Map() },
  }));
}

/** Some deeds in one go, then all that comes of them. */
async function act(racer: Racer): Promise<void> {
  const { member, random, commits, posts } = racer;
  for (let deed = 0; deed < DEEDS_A_ROUND; deed++) {
    const epoch = racer.epoch + random.pick([0, 0, 0, 1, 1, 2, -1]);
    if (random.below(5) > 0) posts.set(member.say(ROOM, Math.max(0, epoch)), "?");
    else {
      const [id, commit] = [crypto.randomUUID(), bytesOf(random.pick(SIZES), random.below(99))];
      commits.set(member.putCommit(ROOM, Math.max(0, epoch), { id, commit }), { id });
    }
  }
  await drain(racer);
}

async function drain({ member, told, ...racer }: Racer): Promise<void> {
  await member.answerTo(member.put({ do: "back" }));
  for (const message of member.inbox.splice(0)) {
    told.push(message);
    note(racer, message);
  }
}

function note({ posts, commits }: Pick<Racer, "posts" | "commits">, message: ServerMessage): void {
  if (message.type === "ack") posts.set(message.id, message.seq);
  if (message.type === "reply") Object.assign(commits.get(message.ref) ?? {}, { answer: "done" });
  if (message.type !== "error") return;
  if (message.id !== undefined) posts.set(message.id, message.code);
  else Object.assign(commits.get(message.ref ?? 0) ?? {}, { answer: message.code });
}

/** What was stored, and the bytes of what of it are commits. */
async function readLog(db: string): Promise<[LogEntry[], Map<number, Uint8Array>]> {
  const database = openDatabase(db);
  const entries = await new SqliteLog(database, db).read(ROOM, 0, 10_000);
  const { commits } = new Delivery(database, db);
  const found = entries.map(({ seq }) => [seq, commits.find(ROOM, seq)] as const);
  database.close();
  return [entries, new Map(found.filter((one): one is [number, Uint8Array] => !!one[1]))];
}

/** Every entry is sealed with the key of the epoch that its place tells. */
function assertPlaces(entries: readonly LogEntry[], commits: ReadonlyMap<number, unknown>): void {
  let epoch = 0;
  for (const { seq, keyId } of entries) {
    assert.equal(keyId, epochKey(ROOM, epoch).id, `entry ${seq} is of epoch ${epoch}`);
    if (commits.has(seq)) epoch += 1;
  }
}

/** What a racer was answered is what is stored: nothing else of what it did. */
function assertAnswered(racer: Racer, entries: readonly LogEntry[]): void {
  const stored = new Map(
    entries.map(({ sender, messageId, seq }) => [`${sender}/${messageId}`, seq]),
  );
  const seqOf = (id: string): number | undefined => stored.get(`${racer.member.user}/${id}`);
  for (const [id, answer] of racer.posts) {
    if (typeof answer === "number") assert.equal(seqOf(id), answer);
    else assert.deepEqual([answer, seqOf(id)], ["key-outdated", undefined]);
  }
  for (const { id, answer } of racer.commits.values()) {
    if (answer === "done") assert.notEqual(seqOf(id), undefined);
    else assert.deepEqual([answer, seqOf(id)], ["epoch-outdated", undefined]);
  }
}

/** It was given every entry behind the first, each once and in order, commits' bytes before theirs. */
function assertGiven(racer: Racer, last: number, commits: ReadonlyMap<number, Uint8Array>): void {
  const given: number[] = [];
  let parts: Uint8Array[] = [];
  for (const message of racer.told) {
    if (message.type === "commit_part") parts.push(Buffer.from(message.data, "base64url"));
    if (message.type !== "message" && message.type !== "ack") continue;
    given.push(message.seq);
    const commit = commits.get(message.seq) ?? new Uint8Array();
    assert.ok(Buffer.concat(parts).equals(commit), `the bytes before entry ${message.seq}`);
    assert.ok(commit.length === 0 || message.type === "message", "a commit is never acked");
    parts = [];
  }
  assert.deepEqual(given, Array.from({ length: last - 1 }, (_, at) => at + 2));
  assert.equal(parts.length, 0);
}

for (const seed of ["first", "second", "third"]) {
  Deno.test(`whatever races, an entry's place tells its epoch: the ${seed} race`, async () => {
    await using server = await TestServer.start([ALICE, BOB, MALLORY]);
    const racers = await gather(server, seed);
    let outdated = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(racers.map(act));
      for (const racer of racers) await drain(racer); // what others did meanwhile
      const done = racers.flatMap(({ commits }) => [...commits.values()])
        .filter(({ answer }) => answer === "done");
      for (const racer of racers) racer.epoch = 1 + done.length;
    }
    const [entries, commits] = await readLog(server.db);
    assertPlaces(entries, commits);
    for (const racer of racers) {
      assertAnswered(racer, entries);
      assertGiven(racer, entries.length, commits);
      outdated += [...racer.posts.values()].filter((answer) => answer === "key-outdated").length;
      racer.member[Symbol.dispose]();
    }
    assert.ok(commits.size > 10 && entries.length > 60 && outdated > 20, "there was a race");
  });
}
