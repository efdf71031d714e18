/**
 * Sealed rooms in JSON mode: who can read what, whoever comes, goes, dies or is away. Two take
 * seconds: there, each client is a process, which logs in and opens its vault.
 *
 * @module
 */

import assert from "node:assert/strict";
import { addAccounts, connectAs, nextEvent, TempFolder } from "../attacks/server.ts";
import { findPython } from "../interop/fernet_support.ts";
import { Class, command } from "./classroom.ts";
import type { Talker } from "./near_client.ts";
import { type Event, ServerProgram } from "./programs.ts";

const ROOM = "physics";

/** The next event of a type in a room. */
async function event(client: Talker, type: string, room = ROOM): Promise<Event> {
  return JSON.parse(
    await client.until((line) => {
      const event = JSON.parse(line);
      return event.type === type && event.room === room;
    }),
  );
}

async function say(client: Talker, text: string): Promise<void> {
  await client.type(JSON.stringify({ type: "send", room: ROOM, text }));
}

/** Reads on to a message. */
async function hear(client: Talker, text: string): Promise<Event> {
  return JSON.parse(
    await client.until((line) => {
      const event = JSON.parse(line);
      return event.type === "message" && event.room === ROOM && event.text === text;
    }),
  );
}

/** Someone who has been there, so that others can add them; ready for more. */
async function come(room: Class, name: string): Promise<Talker> {
  return await settle(await room.join(name, { sealed: true }));
}

/** The same as a program. */
async function comeAsProgram(room: Class, name: string): Promise<Talker> {
  return await settle(await room.joinProgram(name));
}

async function settle(client: Talker): Promise<Talker> {
  await command(client, "/verify nobody"); // needs the vault: behind its answer, it is open
  await client.event("error");
  return client;
}

/** A room of these people, the first one its maker. */
async function found(...people: readonly [Talker, ...Talker[]]): Promise<void> {
  const [maker, ...others] = people;
  await command(maker, `/room create ${ROOM}`);
  await event(maker, "joined");
  for (const [at, other] of others.entries()) {
    await command(maker, `/invite ${NAMES[at + 1]}`);
    await event(maker, "members");
    await event(other, "joined");
    await command(other, `/join ${ROOM}`); // what is typed goes there
  }
}

/** In the order in which they found rooms. */
const NAMES = ["alice", "olga", "mallory"];

/** What a client heard in the room. */
function heard(client: Talker): string[] {
  return client.seen.map((line) => JSON.parse(line))
    .filter(({ type, room }) => type === "message" && room === ROOM)
    .map(({ text }) => text);
}

Deno.test("everyone can message everyone, and each message is told as sealed", async () => {
  await using room = await Class.start(...NAMES);
  const people = await Promise.all(NAMES.map((name) => comeAsProgram(room, name)));
  await using stack = new AsyncDisposableStack();
  for (const one of people) stack.use(one);
  await found(...people as [Talker, ...Talker[]]);
  for (const [at, speaker] of people.entries()) {
    await say(speaker, `from ${NAMES[at]}`);
    for (const listener of people.filter((one) => one !== speaker)) {
      const { sender, kind } = await hear(listener, `from ${NAMES[at]}`);
      assert.deepEqual([sender, kind], [NAMES[at], "sealed"]);
    }
  }
});

Deno.test("who is new reads nothing before, who is removed nothing after", async () => {
  await using room = await Class.start();
  await using alice = await come(room, "alice");
  await using olga = await come(room, "olga");
  await using mallory = await come(room, "mallory");
  await found(alice, olga);
  await say(alice, "before mallory");
  await hear(olga, "before mallory");
  await command(alice, "/invite mallory");
  await event(mallory, "joined");
  await say(alice, "with mallory");
  await hear(mallory, "with mallory");
  await command(mallory, "/history 100");
  await command(alice, "/kick mallory");
  const { by, removed } = await (async () => {
    for (;;) {
      const change = await event(mallory, "members");
      if ((change["removed"] as string[]).length > 0) return change;
    }
  })();
  assert.deepEqual([by, removed], ["alice", ["mallory"]]);
  assert.equal((await event(mallory, "left"))["reason"], "removed");
  await say(alice, "after mallory");
  await hear(olga, "after mallory");
  await command(mallory, `/join ${ROOM}`);
  assert.equal((await mallory.event("error"))["code"], "room-unknown");
  assert.deepEqual(heard(mallory), ["with mallory"]);
});

Deno.test("who was away catches up over 20 commits, and reads what was said meanwhile", async () => {
  await using room = await Class.start();
  await using alice = await come(room, "alice");
  {
    await using olga = await come(room, "olga");
    await found(alice, olga);
    await olga.endInput();
    await olga.ended();
  }
  for (let at = 0; at < 20; at++) {
    await command(alice, "/rekey");
    await event(alice, "members");
    await say(alice, `number ${at}`);
    await event(alice, "ack");
  }
  await using olga = await room.join("olga", { sealed: true });
  await hear(olga, "number 19");
  assert.deepEqual(heard(olga), Array.from({ length: 20 }, (_, at) => `number ${at}`));
  await say(olga, "I am back");
  await hear(alice, "I am back");
});

Deno.test("of two commits at once one wins, and both clients go on", async () => {
  await using room = await Class.start();
  await using alice = await come(room, "alice");
  await using olga = await come(room, "olga");
  await found(alice, olga);
  for (let round = 0; round < 5; round++) {
    await Promise.all([command(alice, "/rekey"), command(olga, "/rekey")]);
    const seen = await Promise.all([alice, olga].map(async (client) => {
      const [first, second] = [await event(client, "members"), await event(client, "members")];
      return [[first["by"], first["epoch"]], [second["by"], second["epoch"]]];
    }));
    assert.deepEqual(seen[0], seen[1], "both follow the same commits");
    assert.deepEqual(new Set(seen[0]?.map(([by]) => by)), new Set(["alice", "olga"]));
  }
  await say(alice, "still here");
  await hear(olga, "still here");
});

/** Six logins as a program. Each of the moments by itself is in tests/sealed/crash_test.ts. */
Deno.test("a client that is killed at any moment of a commit goes on in its next session", async () => {
  await using room = await Class.start("alice");
  await using olga = await come(room, "olga");
  {
    await using alice = await comeAsProgram(room, "alice");
    await found(alice, olga);
  }
  for (let at = 0; at <= 4; at++) {
    await using alice = await room.joinProgram("alice");
    await event(alice, "joined");
    await say(alice, `survived ${at}`);
    await hear(olga, `survived ${at}`);
    await say(olga, `heard ${at}`);
    await hear(alice, `heard ${at}`);
    await command(alice, "/rekey");
    await new Promise((resolve) => setTimeout(resolve, at * 30)); // wherever that is
    alice.kill("SIGKILL");
  }
});

Deno.test("one user on three devices: each reads and speaks, and they are one member", async () => {
  await using room = await Class.start();
  await using olga = await come(room, "olga");
  await using first = await come(room, "alice");
  await found(first, olga);
  await using second = await room.join("alice", { sealed: true });
  await using third = await room.join("alice", { sealed: true });
  const devices = [first, second, third];
  await Promise.all([second, third].map((device) => event(device, "joined")));
  for (const [at, device] of devices.entries()) {
    await say(device, `device ${at}`);
    await Promise.all([olga, ...devices.filter((one) => one !== device)].map(async (one) => {
      assert.equal((await hear(one, `device ${at}`))["sender"], "alice");
    }));
  }
  const changes = olga.seen.map((line) => JSON.parse(line)).filter(({ type }) =>
    type === "members"
  );
  assert.ok(changes.slice(1).every(({ added, removed }) => added.length + removed.length === 0));
});

Deno.test("thirty who are let in at once are all in, and hear what is said", async () => {
  using folder = new TempFolder();
  const people = Array.from({ length: 30 }, (_, at) => ({ username: `u${at}`, password: "pw" }));
  await addAccounts(folder.file("chat.db"), people, "random");
  await using server = await ServerProgram.start(["--db", folder.file("chat.db")]);
  await using stack = new AsyncDisposableStack();
  const chats = await Promise.all(
    people.map((who) => connectAs({ port: server.port, ...who, sealed: true })),
  );
  for (const chat of chats) stack.use(chat);
  const [maker, ...others] = chats as [typeof chats[0], ...typeof chats];
  await Promise.all(chats.map((chat) => nextEvent(chat, "notice"))); // their identities are made
  await maker.sealed.create(ROOM);
  await maker.sealed.invite(ROOM, others.map(({ user }) => user));
  await Promise.all(others.map((chat) => nextEvent(chat, "joined")));
  await maker.send("welcome, all of you", { room: ROOM });
  for (const chat of others) {
    assert.equal((await nextEvent(chat, "message")).text, "welcome, all of you");
  }
});

const python = findPython();

Deno.test({
  name: "the exported keys open the log's tokens in Python, those of the epochs that one was in",
  ignore: python === undefined,
  fn: () => exportAndDecrypt(python as string),
});

async function exportAndDecrypt(python: string): Promise<void> {
  await using room = await Class.start();
  await using alice = await come(room, "alice");
  await using olga = await come(room, "olga");
  await found(alice, olga);
  await say(alice, "first epoch");
  await hear(olga, "first epoch");
  await command(olga, "/rekey");
  await event(olga, "members");
  await say(olga, "second epoch");
  await event(olga, "ack");
  using folder = new TempFolder();
  const keys = folder.file("keys");
  await command(olga, `/keys export ${keys} yes`);
  await olga.until((line) => line.includes(keys) && /"notice"/.test(line));
  assert.equal(((await Deno.stat(keys)).mode ?? 0) & 0o777, 0o600);
  const script = new URL("./decrypt_ring.py", import.meta.url).pathname;
  const { stdout } = await new Deno.Command(python, { args: [script, room.db, keys] }).output();
  const texts = new TextDecoder().decode(stdout).trim().split("\n")
    .map((line) => JSON.parse(line)?.text ?? null);
  assert.deepEqual(texts, [null, "first epoch", "renewed the keys", "second epoch"]);
}
