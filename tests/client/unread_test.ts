/** What waits in other rooms, and how the prompt tells. */

import assert from "node:assert/strict";
import { promptFor } from "../../lib/client/prompt.ts";
import { type Remark, type Said, Unread } from "../../lib/client/unread.ts";

function said(text: string): Said {
  return { sender: "bob", text, sent_at: "2026-01-01T00:00:00.000Z", history: false };
}

function textOf(item: Said | Remark | undefined): string | undefined {
  return item !== undefined && "text" in item ? item.text : item?.remark;
}

Deno.test("the newest 200 of a room are kept, all are counted, and taken once", () => {
  const unread = new Unread();
  for (let at = 1; at <= 250; at += 1) unread.add("physics", said(`${at}`), true);
  const waiting = unread.take("physics");
  assert.deepEqual([waiting.items.length, waiting.count, waiting.dropped], [200, 250, 50]);
  assert.deepEqual([textOf(waiting.items[0]), textOf(waiting.items.at(-1))], ["51", "250"]);
  assert.deepEqual(unread.take("physics").items, []);
  assert.deepEqual(unread.counts, []);
});

Deno.test("what is no news waits, and is not counted", () => {
  const unread = new Unread();
  unread.add("physics", said("my own"), false);
  assert.deepEqual(unread.counts, []);
  assert.equal(unread.take("physics").items.length, 1);
});

Deno.test("what happened to a room's members waits among what was said; its loss is told", () => {
  const unread = new Unread();
  unread.addRemark("dungeon", "bob added carol");
  unread.add("dungeon", said("hello carol"), true);
  assert.deepEqual(unread.counts.map(({ count }) => count), [1]);
  const { items } = unread.take("dungeon");
  assert.deepEqual(items.map(textOf), ["bob added carol", "hello carol"]);
  unread.addRemark("dungeon", "bob added mallory");
  for (let at = 1; at <= 200; at += 1) unread.add("dungeon", said(`${at}`), true);
  const { dropped, remarksDropped } = unread.take("dungeon");
  assert.deepEqual([dropped, remarksDropped], [0, 1]);
});

Deno.test("the prompt: room and kind, a lost connection, no room, and where something is unread", () => {
  const room = { room: "lobby", kind: "open" } as const;
  const unread = (count: number): { room: string; count: number; mentions: number }[] =>
    Array.from({ length: count }, (_, at) => ({ room: `r${at}`, count: at + 1, mentions: 0 }));
  const prompt = (count: number, isLost = false, where: typeof room | undefined = room): string =>
    promptFor({ room: where, isLost, unread: unread(count) });
  assert.equal(prompt(0), "lobby (open)> ");
  assert.equal(prompt(1, true), "lobby (open, reconnecting) [r0 1]> ");
  assert.equal(promptFor({ room: undefined, isLost: false, unread: [] }), "(no room)> ");
  assert.equal(
    promptFor({ room: undefined, isLost: true, unread: unread(2) }),
    "(no room, reconnecting) [r0 1, r1 2]> ",
  );
  assert.equal(prompt(9), "lobby (open) [r0 1, r1 2, r2 3, +39]> ");
});

Deno.test("the prompt calls a direct room by its person", () => {
  const room = { room: "dm-0123456789abcdef", kind: "sealed", peer: "bob" } as const;
  assert.equal(promptFor({ room, isLost: false, unread: [] }), "@bob (sealed)> ");
});

Deno.test("the prompt leaves half of 80 columns: it never loses its kind, its counts, its end", () => {
  const long = (name: string): string => name.padEnd(32, "x");
  const unread = [1, 2, 3, 4].map((count) => ({
    room: long(`room-${count}`),
    count,
    mentions: count === 4 ? 1 : 0,
  }));
  for (const isLost of [false, true]) {
    for (const count of [0, 1, 4]) {
      for (const name of ["a", long("physics"), undefined]) {
        const room = name === undefined ? undefined : { room: name, kind: "open" as const };
        const prompt = promptFor({ room, isLost, unread: unread.slice(0, count) });
        assert.ok(prompt.length <= 40, prompt);
        const state = `\\(${room === undefined ? "no room" : "open"}${
          isLost ? ", reconnecting" : ""
        }\\)`;
        const counts = ["", " \\[\\+1\\]", "", "", " \\[\\+10 @1\\]"][count] as string;
        assert.match(prompt, new RegExp(`^(a |phys.*|)${state}${counts}> $`));
      }
    }
  }
  const physics = { room: "physics", count: 3, mentions: 1 };
  const room = { room: "lobby", kind: "open" } as const;
  assert.equal(
    promptFor({ room, isLost: false, unread: [physics, ...unread] }),
    "lobby (open) [physics 3 @1, +10 @1]> ",
  );
});
