/**
 * A malicious server, and a member who helps it, at the moment when a person comes with one more
 * device: it does not get into another group than the person's devices are in.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ClientMessage } from "../../lib/protocol/messages.ts";
import { Group } from "../../lib/mls/group.ts";
import { Insider } from "./sealed_insider.ts";
import { Liar } from "./sealed_liar.ts";
import { answer, meet, packageOf, ROOM } from "./sealed_tricks.ts";

/** A group of mallory's own, as far as the room's, and a welcome to it for a new device of bob's. */
async function ownGroup(liar: Liar, { keys, group }: Insider): Promise<Uint8Array> {
  let own = await Group.create(keys, { ...group.policy, admins: [keys.identity] });
  while (own.epoch < group.epoch) own = (await own.commit({})).next;
  const made = await own.commit({ add: [await packageOf(liar, "bob")] });
  return made.welcome as Uint8Array;
}

/** Keeps back what a client's session asks the server to commit. */
function stall(liar: Liar, user: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { toServer } = liar;
  liar.toServer = (message, wire): readonly ClientMessage[] => {
    const isCommit = message.type === "request" && message.request.do === "commit";
    if (!isCommit || wire.user !== user) return toServer?.(message, wire) ?? [message];
    resolve();
    return [];
  };
  return promise;
}

Deno.test("a new device that somebody has added: not by a known person's welcome to another group", async () => {
  await using liar = await Liar.start("alice", "bob", "mallory");
  const [alice, first] = await meet(liar, "alice", "bob", "mallory");
  const welcome = await (async (): Promise<() => Promise<Uint8Array>> => {
    const mallory = await Insider.in(liar, "mallory");
    return () => ownGroup(liar, mallory);
  })();
  const stalled = stall(liar, "bob"); // bob's own addition of the device
  const coming = liar.enter("bob");
  await stalled;
  const trap = await welcome();
  const head = "0".repeat(64);
  answer(liar, "bob", "welcome", () => {
    const [last] = liar.sql<{ seq: number }>(
      "SELECT max(seq) AS seq FROM commits WHERE room = ?",
      ROOM,
    );
    return { result: { is: "welcome", seq: last!.seq, head }, bytes: trap };
  });
  await alice.chat.sealed.invite(ROOM, ["bob"]);
  const second = await coming;
  await second.fails("room-inconsistent");
  await assert.rejects(second.chat.send("secret", { room: ROOM }));
  assert.deepEqual(first.errors, []);
});
