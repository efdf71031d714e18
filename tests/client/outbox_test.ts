/** Own messages on their way: places, turns and ends. */

import assert from "node:assert/strict";
import { Outbox, type SentEntry } from "../../lib/client/outbox.ts";
import { CallerError, PeerError } from "../../lib/errors.ts";

/** A message of that id, sealed for the nth time. */
function seal(id: string, sealed?: SentEntry): SentEntry {
  const token = `gAAAA${Number(sealed?.token.slice(5) ?? 0) + 1}`;
  const sentAt = "2026-01-01T00:00:00.000Z";
  return { room: "lobby", sender: "alice", messageId: id, sentAt, keyId: "00000000", token };
}

/** An open outbox of two places, and the ids that were sent from it, in order. */
function createOutbox(): {
  outbox: Outbox;
  sent: string[];
  open: () => void;
  send: (id: string) => Promise<unknown>;
} {
  const outbox = new Outbox(2);
  const sent: string[] = [];
  const open = (): void =>
    outbox.open(({ id }, sealed) => {
      sent.push(id);
      return seal(id, sealed);
    });
  open();
  const send = (id: string): Promise<unknown> => outbox.send({ id, text: id, sentAt: "" });
  return { outbox, sent, open, send };
}

function acknowledge(outbox: Outbox, id: string): void {
  outbox.acknowledge({ type: "ack", room: "lobby", id, seq: 1 });
}

/** Lets everything that can go on do so. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

Deno.test("Outbox.send() sends at once where there is a place", () => {
  const { sent, send } = createOutbox();
  send("a");
  send("b");
  assert.deepEqual(sent, ["a", "b"]);
});

Deno.test("Outbox.send() gives one free place to one of those who wait, in their order", async () => {
  const { outbox, sent, send } = createOutbox();
  for (const id of ["a", "b", "c", "d", "e"]) send(id);
  await turns();
  assert.deepEqual(sent, ["a", "b"]);
  acknowledge(outbox, "a");
  await turns();
  assert.deepEqual(sent, ["a", "b", "c"]);
  acknowledge(outbox, "c");
  acknowledge(outbox, "b");
  await turns();
  assert.deepEqual(sent, ["a", "b", "c", "d", "e"]);
});

Deno.test("Outbox.settled() waits for those who wait for a place too", async () => {
  const { outbox, send } = createOutbox();
  for (const id of ["a", "b", "c"]) send(id);
  let settled = false;
  const settling = outbox.settled().then(() => settled = true);
  for (const id of ["a", "b"]) acknowledge(outbox, id);
  await turns();
  assert.equal(settled, false);
  acknowledge(outbox, "c");
  await settling;
});

Deno.test("Outbox.send() refuses an id that is on its way, and takes it again afterwards", async () => {
  const { outbox, send } = createOutbox();
  const first = send("a");
  await assert.rejects(send("a"), (error) => error instanceof CallerError);
  acknowledge(outbox, "a");
  await first;
  send("a");
  assert.equal(outbox.find("a")?.entry.messageId, "a");
});

Deno.test("Outbox.abandon() rejects what is on its way and what waits", async () => {
  const { outbox, sent, send } = createOutbox();
  const sends = ["a", "b", "c"].map(send);
  outbox.abandon(new PeerError("connection-cut", "cut"));
  for (const one of sends) {
    await assert.rejects(one, (error) => error instanceof PeerError);
  }
  assert.deepEqual(sent, ["a", "b"]);
  await outbox.settled();
  await assert.rejects(send("d"), (error) => error instanceof PeerError);
});

Deno.test("Outbox.pause() keeps what comes, Outbox.open() sends all that waits in its order", async () => {
  const { outbox, sent, open, send } = createOutbox();
  send("a");
  outbox.pause();
  for (const id of ["b", "c"]) send(id);
  await turns();
  assert.deepEqual(sent, ["a"]);
  assert.equal(outbox.size, 3);
  open();
  assert.deepEqual(sent, ["a", "a", "b"]);
  acknowledge(outbox, "a");
  await turns();
  assert.deepEqual(sent, ["a", "a", "b", "c"]);
  assert.equal(outbox.size, 2);
});

Deno.test("Outbox.find() knows what was sent since the last pause, and how often", () => {
  const { outbox, open, send } = createOutbox();
  send("a");
  assert.deepEqual(outbox.find("a"), { entry: seal("a"), times: 1 });
  outbox.sendAgain("a");
  assert.deepEqual(outbox.find("a"), { entry: seal("a", seal("a")), times: 2 });
  outbox.pause();
  assert.equal(outbox.find("a"), undefined);
  assert.ok(outbox.has("a"));
  open();
  assert.equal(outbox.find("a")?.times, 1);
  assert.equal(outbox.find("b"), undefined);
});
