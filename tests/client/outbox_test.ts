/** Own messages on their way: places, turns and ends. */

import assert from "node:assert/strict";
import { Outbox, type SentEntry } from "../../lib/client/outbox.ts";
import { CallerError, PeerError } from "../../lib/errors.ts";

const entry: SentEntry = {
  room: "lobby",
  sender: "alice",
  messageId: "x",
  sentAt: "2026-01-01T00:00:00.000Z",
  keyId: "00000000",
  token: "gAAAAA",
};

/** An outbox of two places, and the ids that were sent from it, in order. */
function createOutbox(): {
  outbox: Outbox;
  sent: string[];
  send: (id: string) => Promise<unknown>;
} {
  const outbox = new Outbox(2);
  const sent: string[] = [];
  const send = (id: string): Promise<unknown> =>
    outbox.send(id, () => {
      sent.push(id);
      return { ...entry, messageId: id };
    });
  return { outbox, sent, send };
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
  assert.equal(outbox.find("a")?.messageId, "a");
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
