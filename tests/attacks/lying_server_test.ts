/**
 * A server that lies about a room's log: it reorders, repeats, withholds, or comes back with another
 * log after an outage. It knows the room's key and makes the chain fit where it can. Each lie is
 * noticed (`room-inconsistent`), and what is none to show is not shown.
 *
 * What a server that never told the truth shows to a client that was never there before, no client
 * can notice; nor what it keeps from one client and shows to others, unless they compare `/head`.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ErrorEvent } from "../../lib/client/events.ts";
import { chainNext, chainStart } from "../../lib/log/chain.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import type { Send } from "../client/puppet_room.ts";
import { brief, PuppetServer } from "../client/puppet_server.ts";
import { nextEvent } from "./server.ts";

const LIE = "error room-inconsistent";

/** What the client makes of deliveries, in short. */
async function heard(server: PuppetServer, ...entries: LogEntry[]): Promise<string[]> {
  server.deliver(...entries);
  return brief(await server.events());
}

/** Texts as messages in the log, numbered from 1. */
function prepare(server: PuppetServer): void {
  for (let at = 1; at <= 6; at += 1) server.store(`old ${at}`);
}

/** The log from a place on with other contents, and a chain that fits them. */
function rewrite(server: PuppetServer, from: number, entries: readonly LogEntry[]): void {
  server.log.splice(from - 1);
  for (const { seq: _, chain: __, ...entry } of entries) server.append(entry);
}

Deno.test("live: the truth, for comparison", async () => {
  await using server = await PuppetServer.start({}, prepare);
  const truth = [server.store("one"), server.store("two")];
  assert.deepEqual(await heard(server, ...truth), ["message one", "message two"]);
});

Deno.test("live: a message twice at its place", async () => {
  await using server = await PuppetServer.start();
  const entry = server.store("one");
  server.deliver(entry, entry);
  await nextEvent(server.client, "message");
  const { message } = await nextEvent(server.client, "error") as ErrorEvent;
  assert.match(message, /repeats a message of bob/);
  assert.deepEqual(await heard(server), []);
});

Deno.test("live: an old message stored once more, with a chain that fits", async () => {
  await using server = await PuppetServer.start();
  const old = server.store("pay 10 to carol");
  const between = server.store("between");
  const { seq: _, chain: __, ...again } = old;
  assert.deepEqual(await heard(server, old, between, server.append(again)), [
    "message pay 10 to carol",
    "message between",
    LIE,
  ]);
});

Deno.test("live: an old message of the history stored once more, as a new one", async () => {
  await using server = await PuppetServer.start({ history: 3 }, prepare);
  await server.answerHistory();
  const { seq: _, chain: __, ...again } = server.log[4] as LogEntry;
  assert.deepEqual((await heard(server, server.append(again))).slice(3), [LIE]);
});

Deno.test("live: an own message that was acked comes once more, as a new one", async () => {
  await using server = await PuppetServer.start();
  const sending = server.client.send("mine", { id: "mine" });
  const [send] = await server.receiveSends(1) as [Send];
  server.ack(send);
  await sending;
  assert.deepEqual(await heard(server, server.storeSent(send)), ["ack mine", LIE]);
});

Deno.test("live: two messages in the wrong order", async () => {
  await using server = await PuppetServer.start();
  const [one, two] = [server.store("one"), server.store("two")];
  assert.deepEqual(await heard(server, two, one), [LIE, "message two", LIE, "message one"]);
});

Deno.test("live: a message withheld", async () => {
  await using server = await PuppetServer.start();
  server.store("withheld");
  assert.deepEqual(await heard(server, server.store("after")), [LIE, "message after"]);
});

Deno.test("live: a message withheld, and the numbers closed up over it", async () => {
  await using server = await PuppetServer.start();
  const withheld = server.store("withheld");
  const after = { ...server.store("after"), seq: 1 };
  const chain = chainNext(withheld.chain, after);
  server.log = [{ ...after, chain }];
  assert.deepEqual(await heard(server, ...server.log), [LIE, "message after"]);
});

Deno.test("live: an ack for a place where something else was", async () => {
  await using server = await PuppetServer.start();
  server.deliverText("something else");
  await nextEvent(server.client, "message");
  const sending = server.client.send("mine", { id: "mine" });
  await server.receiveSends(1);
  server.ackEntry({ ...server.log[0] as LogEntry, messageId: "mine" });
  await sending;
  assert.deepEqual(await heard(server), [LIE, "ack mine"]);
});

Deno.test("live: an ack at another place than where it was acked before", async () => {
  await using server = await PuppetServer.start();
  for (const seq of [1, 2]) {
    const sending = server.client.send("mine", { id: "mine" });
    const [send] = await server.receiveSends(1) as [Send];
    server.ack(send); // stored anew each time
    assert.equal((await sending).seq, seq);
  }
  assert.deepEqual(await heard(server), ["ack mine", LIE, "ack mine"]);
});

/** Cuts the connection of a client that has followed `count` texts, and changes the log meanwhile. */
async function comeBack(
  count: number,
  change: (server: PuppetServer) => void,
  check: (events: string[], server: PuppetServer) => void,
): Promise<void> {
  await using server = await PuppetServer.start();
  for (let at = 1; at <= count; at += 1) {
    server.deliverText(`${at}`);
    await nextEvent(server.client, "message");
  }
  server.cut();
  change(server);
  const { after } = await server.acceptAgain();
  assert.equal(after, count);
  server.deliver(...server.log.slice(after));
  const events = brief(await server.events());
  assert.deepEqual(events.slice(0, 2), ["reconnecting connection-cut", "reconnected"]);
  check(events.slice(2), server);
  assert.deepEqual(server.client.room.head, server.head, "it goes on from the server's end");
}

Deno.test("after an outage: a log that is the same", () =>
  comeBack(3, () => {}, (events) => {
    assert.deepEqual(events, []);
  }));

Deno.test("after an outage: a log that was cut off", () =>
  comeBack(
    3,
    (server) => server.log.pop(),
    (events) => assert.deepEqual(events, [LIE]),
  ));

Deno.test("after an outage: an empty log", () =>
  comeBack(
    3,
    (server) => server.log = [],
    (events) => assert.deepEqual(events, [LIE]),
  ));

Deno.test("after an outage: a log of the same length, with another past", () =>
  comeBack(
    3,
    (server) => {
      const [, two, three] = server.log as [LogEntry, LogEntry, LogEntry];
      rewrite(server, 2, [three, two]);
    },
    (events) => assert.deepEqual(events, [LIE]),
  ));

Deno.test("after an outage: a longer log that does not go on from what was followed", () =>
  comeBack(
    3,
    (server) => {
      rewrite(server, 3, []);
      for (const text of ["other 3", "other 4"]) server.store(text);
    },
    (events) => assert.deepEqual(events, [LIE, "message other 4"]),
  ));

Deno.test("after an outage: a replaced log is said once, and what is stored in it is acked", async () => {
  await using server = await PuppetServer.start();
  for (let at = 1; at <= 3; at += 1) {
    server.deliverText(`${at}`);
    await nextEvent(server.client, "message");
  }
  const sending = server.client.send("mine", { id: "mine" });
  const [send] = await server.receiveSends(1) as [Send];
  server.cut();
  rewrite(server, 2, []);
  const mine = server.storeSent(send); // at 2, where the client followed another message
  await server.acceptAgain();
  await server.receiveSends(1);
  server.ackEntry(mine);
  assert.equal((await sending).seq, 2);
  assert.deepEqual(brief(await server.events()).slice(2), [LIE, "ack mine"]);
});

Deno.test("after an outage: an end that is another one than the deliveries lead to", async () => {
  await using server = await PuppetServer.start();
  server.cut();
  server.store("missed");
  await server.acceptAgain({ seq: 1, chain: "0".repeat(64) });
  server.deliver(...server.log);
  assert.deepEqual((await server.events()).map((event) => event.type).slice(2), [
    "error",
    "message",
  ]);
});

Deno.test("after an outage: messages of before, delivered once more", async () => {
  await using server = await PuppetServer.start();
  server.deliverText("one");
  await nextEvent(server.client, "message");
  server.cut();
  server.store("two");
  await server.acceptAgain();
  server.deliver(...server.log);
  assert.deepEqual(brief(await server.events()).slice(2), [LIE, "message two"]);
});

/** A page of the history as the server says it, altered. */
type Alter = (page: LogEntry[], previous: string) => [LogEntry[], string];

const PAGES: { [name: string]: Alter } = {
  "without its first message": ([, ...page], previous) => [page, previous],
  "without its last message": (page, previous) => [page.slice(0, -1), previous],
  "without one in the middle": (page, previous) => [page.toSpliced(1, 1), previous],
  "with one inserted": ([first, ...page], previous) => [
    [first as LogEntry, first as LogEntry, ...page.slice(1)],
    previous,
  ],
  "of nothing": (_, previous) => [[], previous],
  "with one altered": ([first, ...page], previous) => {
    const altered = { ...first as LogEntry, sentAt: "2026-01-01T00:00:01.000Z" };
    return [[altered, ...page], previous];
  },
  "in another order": ([first, second, ...page], previous) => [
    [second as LogEntry, first as LogEntry, ...page],
    previous,
  ],
  "that begins at another chain value": (page) => [page, "0".repeat(64)],
  "with one altered, and the chain as it follows from that": (page, previous) => {
    let chain = previous;
    return [
      page.map((entry, at) => {
        const altered = at === 0 ? { ...entry, sentAt: "2026-01-01T00:00:01.000Z" } : entry;
        chain = chainNext(chain, altered);
        return { ...altered, chain };
      }),
      previous,
    ];
  },
};

for (const [name, alter] of Object.entries(PAGES)) {
  Deno.test(`history: a page ${name}`, async () => {
    await using server = await PuppetServer.start({ history: 4 }, prepare);
    const lie = server.answerHistory(alter);
    await lie;
    // Where the page is too short, or leads nowhere, the client may ask on.
    const more = server.answerHistory().catch(() => {});
    const events = brief(await server.events());
    assert.equal(events[0], LIE);
    assert.equal(events.filter((line) => line === LIE).length, 1, "said once");
    server.cut();
    await more;
  });
}

for (const [name, alter] of Object.entries(PAGES)) {
  Deno.test(`search: a page ${name}`, async () => {
    await using server = await PuppetServer.start({}, prepare);
    server.client.searchIn().start("old");
    await server.answerHistory(alter);
    // Where the page is too short, or leads nowhere, the client may ask on.
    const more = server.answerHistory().catch(() => {});
    await server.client.settled();
    const events = brief(await server.events());
    assert.equal(events[0], LIE, "told before what was found in the page");
    assert.equal(events.filter((line) => line === LIE).length, 1, "said once");
    assert.equal(events.at(-1), "search beginning");
    server.cut();
    await more;
  });
}

Deno.test("search: a message that is in the log twice, with a chain that fits", async () => {
  await using server = await PuppetServer.start({}, (server) => {
    for (const text of ["one", "two"]) server.store(text);
    const { seq: _, chain: __, ...again } = server.log[0] as LogEntry;
    server.append(again);
  });
  server.client.searchIn().start("one");
  await server.answerHistory();
  await server.client.settled();
  const events = brief(await server.events());
  assert.deepEqual(events, [LIE, "found one", "found one", "search beginning"]);
});

Deno.test("history: the same messages under other numbers, with a chain that fits backwards", async () => {
  await using server = await PuppetServer.start({}, (server) => {
    for (const text of ["one", "two"]) server.store(text);
    const { seq: _, chain: __, ...again } = server.log[0] as LogEntry;
    server.append(again); // the log itself has a message twice
  });
  const showing = server.client.showHistory(10);
  await server.answerHistory();
  await showing;
  const events = brief(await server.events());
  assert.deepEqual(events.slice(0, 2), ["notice history", LIE]);
});

Deno.test("history: a beginning that is none", async () => {
  await using server = await PuppetServer.start({ history: 9 }, (server) => {
    // A log whose chain does not begin at the room's start.
    const entry = server.store("one");
    const chain = chainNext("1".repeat(64), entry);
    server.log = [{ ...entry, chain }];
  });
  await server.answerHistory((page) => [page, "1".repeat(64)]);
  assert.deepEqual(brief(await server.events()), [LIE, "past one"]);
  assert.notEqual(chainStart(LOBBY), "1".repeat(64));
});

Deno.test("after an outage: another room than the one that was asked for", async () => {
  await using server = await PuppetServer.start();
  server.cut();
  await server.accept();
  await server.receive("join");
  server.join(server.head, "physics");
  assert.equal((await nextEvent(server.client, "closed")).reason, "room-inconsistent");
});

Deno.test("a room that was not joined: the end of the connection", async () => {
  for (
    const lie of [
      (server: PuppetServer) => server.deliver({ ...server.store("x"), room: "physics" }),
      (server: PuppetServer) =>
        server.say({ type: "keys", room: "physics", keys: [String(server.key)] }),
    ]
  ) {
    await using server = await PuppetServer.start();
    lie(server);
    assert.equal((await nextEvent(server.client, "closed")).reason, "room-inconsistent");
  }
});
