/**
 * A malicious server that sends too much, or what is of a wrong size: one room or the connection ends
 * by it, with a typed error; memory and time are bounded, and the rest goes on.
 *
 * @module
 */

import assert from "node:assert/strict";
import { PeerError } from "../../lib/errors.ts";
import { MAX_BLOB_BYTES, MAX_ROOMS_JOINED, MAX_STAGED_BYTES } from "../../lib/protocol/limits.ts";
import type { ServerMessage } from "../../lib/protocol/messages.ts";
import { encodeParts } from "../../lib/protocol/parts.ts";
import type { Ear } from "./sealed_ear.ts";
import { blobOf } from "./sealed_insider.ts";
import { Liar } from "./sealed_liar.ts";
import { answer, meet, packageOf, packages, ROOM } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

const HEAD = "0".repeat(64);
/** As much as parts may bring. */
const GARBAGE = Uint8Array.from({ length: MAX_STAGED_BYTES }, (_, at) => at * 31 % 251);

/** The lobby is not touched by it. */
async function assertGoesOn({ chat }: Ear): Promise<void> {
  await chat.send("still here", { room: "lobby" });
}

const LARGE = "A".repeat(98_304);

for (
  const [what, data, count] of [["the largest", LARGE, 60], ["the smallest", "AA", 20_000]] as const
) {
  Deno.test(`endless parts of a commit, ${what} there are: the end of the connection, soon`, async () => {
    await using liar = await Liar.start("alice");
    const [alice] = await meet(liar, "alice");
    const part = { type: "commit_part", room: ROOM, data } as const;
    liar.wire("alice").say(...Array.from({ length: count }, () => part));
    assert.equal((await alice.hears("closed")).reason, "message-unexpected");
  });

  Deno.test(`endless parts of an answer, ${what} there are: the end of the connection, soon`, async () => {
    await using liar = await Liar.start("alice");
    const [alice] = await meet(liar, "alice");
    answer(liar, "alice", "look", (_, wire) => {
      const parts = Array.from(
        { length: count },
        (): ServerMessage => ({ type: "part", ref, data }),
      );
      wire.say(...parts);
      return "silence";
    });
    let ref = 0;
    const { toServer } = liar;
    liar.toServer = (message, wire) => {
      if (message.type === "request") ref = message.ref;
      return toServer!(message, wire);
    };
    alice.chat.sealed.identityOf("bob").catch(() => {});
    assert.equal((await alice.hears("closed")).reason, "message-unexpected");
  });
}

Deno.test("a welcome of 4 MiB of garbage, or of one that goes on as garbage: one error, and the rest goes on", async () => {
  await using liar = await Liar.start("alice");
  const alice = await liar.enter("alice");
  const starts = [[], [0, 1, 0, 3], [0, 1, 0, 3, 0, 0x4d, 0xbf, 0xff, 0xff, 0xff]];
  const bytes = GARBAGE.slice();
  answer(liar, "alice", "welcome", () => ({
    result: { is: "welcome", seq: 1, head: HEAD },
    bytes,
  }));
  for (const [at, start] of starts.entries()) {
    bytes.set(start);
    liar.wire("alice").say({ type: "added", room: `den-${at}`, by: "bob" });
    assert.equal((await alice.fails("mls-invalid")).room, `den-${at}`);
    await assertGoesOn(alice);
  }
});

Deno.test("a commit of 4 MiB of garbage: the room is lost, the others go on", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice, bob] = await meet(liar, "alice", "bob");
  const parts = Array.from(encodeParts(GARBAGE), (data): ServerMessage => {
    return { type: "commit_part", room: ROOM, data };
  });
  liar.toClient = (message, { user }) =>
    message.type === "commit_part" && user === "bob" ? parts : [message];
  await alice.chat.sealed.rekey(ROOM);
  await bob.fails("room-inconsistent");
  await assertGoesOn(bob);
});

/** Answers to a claim of bob's key packages whose sizes are wrong. */
const SIZES: { readonly [what: string]: [code: string, sizesOf: (size: number) => number[]] } = {
  "more bytes than there are": ["message-unexpected", (size) => [size + 1]],
  "fewer bytes than there are": ["message-unexpected", (size) => [size - 1]],
  "no bytes": ["message-unexpected", () => [0]],
  "4 MiB": ["message-unexpected", () => [MAX_STAGED_BYTES]],
  "other sizes than theirs": ["mls-invalid", (size) => [size - 1, 1]],
};

for (const [what, [code, sizesOf]] of Object.entries(SIZES)) {
  Deno.test(`key packages that are said to have ${what}: refused, and the rest goes on`, async () => {
    await using liar = await Liar.start("alice", "bob");
    await liar.enter("bob");
    const [alice] = await meet(liar, "alice");
    const { bytes } = await packageOf(liar, "bob");
    answer(liar, "alice", "claim", () => {
      const list = sizesOf(bytes.length).map((size) => ({ user: "bob", device: 1, size }));
      return { result: { is: "packages", packages: list }, bytes };
    });
    await assertFails(alice.chat.sealed.invite(ROOM, ["bob"]), PeerError, code);
    await assertGoesOn(alice);
  });
}

Deno.test("no key packages at all, as an answer: nobody is let in", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice] = await meet(liar, "alice");
  answer(liar, "alice", "claim", () => packages());
  await assert.rejects(alice.chat.sealed.invite(ROOM, ["bob"]), { code: "member-already" });
});

Deno.test("a blob that is larger than any: not read, and the rest goes on", async () => {
  await using liar = await Liar.start("alice");
  const [first] = await meet(liar, "alice");
  await first.chat.close();
  const { version } = blobOf(liar, "alice", `device/1/${ROOM}`);
  answer(
    liar,
    "alice",
    "get",
    ({ name }) =>
      name !== `device/1/${ROOM}`
        ? undefined
        : { result: { is: "blob", version }, bytes: GARBAGE.subarray(0, MAX_BLOB_BYTES + 1) },
  );
  const alice = await liar.enter("alice");
  await alice.fails("vault-invalid");
  await assertGoesOn(alice);
});

Deno.test("10,000 rooms that one is said to be added to: looked at a few at a time, and the rest goes on", async () => {
  await using liar = await Liar.start("alice");
  const alice = await liar.enter("alice");
  const asked = new Set<string>();
  answer(liar, "alice", "get", ({ name }) => {
    asked.add(name);
    return "silence";
  });
  const added = Array.from({ length: 10_000 }, (_, at): ServerMessage => {
    return { type: "added", room: `den-${at}`, by: "bob" };
  });
  liar.wire("alice").say(...added);
  await assertGoesOn(alice);
  assert.ok(asked.size > 0 && asked.size <= MAX_ROOMS_JOINED, `${asked.size}`);
  assert.deepEqual(alice.errors, []);
});
