/**
 * What a member gets of the log beside what is said while it is there: what it missed, the past, and
 * a place to come back to after it was too slow. A raw member asks, a real server answers.
 *
 * @module
 */

import assert from "node:assert/strict";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import type { MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { MIN_QUEUED_BYTES } from "../../lib/server/limits.ts";
import { ALICE, BOB, RawMember, TestServer } from "../attacks/server.ts";

type Delivery = MessageOf<ServerMessage, "message" | "past">;

/** Sends texts in one go and waits until the last one is stored. */
async function say(server: TestServer, member: RawMember, texts: readonly string[]): Promise<void> {
  const key = server.running.ring.primary;
  for (const text of texts) {
    const envelope = { room: LOBBY, id: crypto.randomUUID(), sent_at: "2026-01-01T00:00:00.000Z" };
    const { keyId: key_id, token } = sealText(key, { ...envelope, sender: "alice" }, text);
    member.say({ type: "send", ...envelope, key_id, token });
  }
  for (let acks = 0; acks < texts.length; acks++) await member.hears("ack");
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `${at}`);

function toEntry(message: Delivery): LogEntry {
  const { room, seq, sender, id: messageId, sent_at: sentAt, key_id: keyId, token, chain } =
    message;
  return { room, seq, sender, messageId, sentAt, keyId, token, chain };
}

/** Reads a page of history to its end. */
async function page(
  member: RawMember,
  before: number,
  limit: number,
): Promise<{ past: LogEntry[]; end: MessageOf<ServerMessage, "history_end"> }> {
  member.say({ type: "history", room: LOBBY, before, limit });
  const past: LogEntry[] = [];
  for (;;) {
    const message = await member.hear();
    if (message.type === "history_end") return { past, end: message };
    assert.equal(message.type, "past");
    past.push(toEntry(message as Delivery));
  }
}

/** The chain's value after the entries, if they follow one another. */
function chainAfter(previous: string, entries: readonly LogEntry[]): string {
  return entries.reduce((chain, entry) => chainNext(chain, entry), previous);
}

Deno.test("who comes back gets what it missed, from the log, in order and once", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await RawMember.join(server.port, ALICE);
  await say(server, alice, numbered(100));
  for (const after of [0, 1, 99, 100]) {
    using bob = await RawMember.join(server.port, BOB, after);
    assert.equal(bob.joined.last_seq, 100);
    for (let seq = after + 1; seq <= 100; seq++) {
      assert.equal((await bob.hears("message")).seq, seq);
    }
    bob.say({ type: "ping" });
    await bob.hears("pong"); // and nothing else
  }
});

Deno.test("who comes back to a busy room misses and doubles nothing", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await RawMember.join(server.port, ALICE);
  await say(server, alice, numbered(300));
  const joining = RawMember.join(server.port, BOB, 0);
  const saying = say(server, alice, numbered(300));
  using bob = await joining;
  for (let seq = 1; seq <= 600; seq++) assert.equal((await bob.hears("message")).seq, seq);
  await saying;
});

Deno.test("an end that the log does not have counts as its end", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await RawMember.join(server.port, ALICE);
  await say(server, alice, ["one"]);
  using bob = await RawMember.join(server.port, BOB, 1_000_000);
  assert.equal(bob.joined.last_seq, 1);
  await say(server, alice, ["two"]);
  assert.equal((await bob.hears("message")).seq, 2);
});

Deno.test("history comes page by page, and each page continues the next by the chain", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  using alice = await RawMember.join(server.port, ALICE);
  await say(server, alice, numbered(25));
  using bob = await RawMember.join(server.port, BOB);
  const tokens = server.entries().map(({ token }) => token);
  let [before, chain] = [26, bob.joined.head];
  for (const expected of [[16, 25], [6, 15], [1, 5]] as const) {
    const { past, end } = await page(bob, before, 10);
    assert.deepEqual([past.at(0)?.seq, past.at(-1)?.seq], expected);
    assert.equal(end.before, before);
    assert.equal(chainAfter(end.previous, past), chain);
    assert.deepEqual(past.map(({ token }) => token), tokens.slice(expected[0] - 1, expected[1]));
    [before, chain] = [expected[0], end.previous];
  }
  assert.equal(chain, chainStart(LOBBY));
  const { past, end } = await page(bob, 1, 10);
  assert.deepEqual([past, end.previous], [[], chainStart(LOBBY)]);
});

Deno.test("history beyond the end is that before the end, and says so", async () => {
  await using server = await TestServer.start([ALICE]);
  using alice = await RawMember.join(server.port, ALICE);
  await say(server, alice, numbered(3));
  const { past, end } = await page(alice, Number.MAX_SAFE_INTEGER, 2);
  assert.deepEqual([past.map(({ seq }) => seq), end.before], [[2, 3], 4]);
});

Deno.test("a page of long messages is short, but never empty", async () => {
  await using server = await TestServer.start([ALICE]);
  using alice = await RawMember.join(server.port, ALICE);
  const long = "\u0000".repeat(16 * 1024); // the longest token there is
  await say(server, alice, [long, long, long, long]);
  const { past, end } = await page(alice, 5, 200);
  assert.deepEqual(past.map(({ seq }) => seq), [4]);
  assert.equal(chainAfter(end.previous, past), server.entries().at(-1)?.chain);
});

Deno.test("a member that does not read is sent away with a reason, and comes back for the rest", async () => {
  // The kernel's buffers hold some megabytes: that much has to be said, which takes a second.
  await using server = await TestServer.start([ALICE, BOB], {
    limits: { maxQueuedBytes: MIN_QUEUED_BYTES, messageBurst: 100_000, farewellMs: 60_000 },
  });
  using alice = await RawMember.join(server.port, ALICE);
  using slow = await RawMember.join(server.port, BOB);
  await using other = await server.connect(BOB);
  const said = numbered(500).map((text) => text.padEnd(16 * 1024));
  const saying = say(server, alice, said);
  const heard: string[] = [];
  for await (const event of other) {
    if (event.type !== "message") continue;
    heard.push(event.text);
    if (heard.length === said.length) break;
  }
  await saying;
  assert.ok(heard.every((text, at) => text === said[at])); // a stalled member costs the others nothing
  await server.reported(/^bob .*: You read slower than the others write$/);
  let last = 0;
  for (;;) {
    const message = await slow.hear();
    if (message.type === "bye") {
      assert.equal(message.code, "too-slow");
      break;
    }
    assert.equal(message.type, "message");
    assert.equal((message as Delivery).seq, ++last);
  }
  assert.ok(last < said.length);
  using back = await RawMember.join(server.port, BOB, last);
  for (let seq = last + 1; seq <= said.length; seq++) {
    assert.equal((await back.hears("message")).seq, seq);
  }
});
