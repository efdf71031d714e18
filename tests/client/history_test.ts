/**
 * What was said before the client came, from a server that answers as the test says.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ClientEvent, MessageEvent } from "../../lib/client/events.ts";
import { CallerError, EnvironmentError, PeerError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import type { LogEntry } from "../../lib/log/message_log.ts";
import { LOBBY } from "../../lib/rooms/open_room.ts";
import { assertFails, nextEvent } from "../attacks/server.ts";
import { brief, PuppetServer } from "./puppet_server.ts";

/** `m1`, `m2`, … */
function texts(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `m${at + 1}`);
}

/** Puts so many messages into a room. */
function said(count: number): (room: PuppetServer) => void {
  return (room) => texts(count).forEach((text) => room.store(text));
}

/** The first events of a client, up to the first that fits. */
async function eventsUntil(
  server: PuppetServer,
  fits: (event: ClientEvent) => boolean,
): Promise<ClientEvent[]> {
  const events: ClientEvent[] = [];
  for await (const event of server.client) {
    events.push(event);
    if (fits(event)) break;
  }
  return events;
}

Deno.test("a client begins with the last messages, oldest first, right behind ready", async () => {
  await using server = await PuppetServer.start({ history: 3 }, said(10));
  const asked = await server.answerHistory();
  assert.deepEqual(asked, { type: "history", room: "lobby", before: 11, limit: 3 });
  const events = await eventsUntil(server, (event) => brief([event])[0] === "past m10");
  assert.deepEqual(brief(events), ["ready", "past m8", "past m9", "past m10"]);
  const { seq, sender, history } = events[1] as MessageEvent;
  assert.deepEqual([seq, sender, history], [8, "bob", true]);
});

Deno.test("an empty room, and none wanted, is not asked about", async () => {
  for (const [history, before] of [[50, 0], [0, 5]] as const) {
    await using server = await PuppetServer.start({ history }, said(before));
    const sending = server.client.send("hello");
    const [send] = await server.receiveSends(1); // and no history before it
    assert.ok(send);
    server.ack(send);
    await sending;
    assert.deepEqual(brief(await server.events()).filter((line) => !/^ack/.test(line)), []);
  }
});

Deno.test("what comes while history is on its way is shown behind it, in its order", async () => {
  await using server = await PuppetServer.start({ history: 2 }, said(5));
  const sending = server.client.send("mine", { id: "mine" });
  server.deliverText("live 1");
  const question = await server.receive("history");
  const [send] = await server.receiveSends(1);
  assert.ok(send);
  server.ack(send);
  await sending; // the ack waits for nobody
  server.deliverText("live 2");
  server.sayHistory(question);
  assert.deepEqual(brief(await server.events()), [
    "past m4",
    "past m5",
    "message live 1",
    "ack mine",
    "message live 2",
  ]);
});

Deno.test("history in several pages: asked for one by one, shown together", async () => {
  await using server = await PuppetServer.start({ history: 450 }, said(600));
  const questions = [];
  for (let page = 0; page < 3; page += 1) questions.push(await server.answerHistory());
  assert.deepEqual(questions.map(({ before, limit }) => [before, limit]), [
    [601, 200],
    [401, 200],
    [201, 50],
  ]);
  const events = await server.events();
  assert.deepEqual(brief(events), texts(600).slice(150).map((text) => `past ${text}`));
});

Deno.test("pages that are shorter than asked for are no fault: the rest is asked for", async () => {
  await using server = await PuppetServer.start({ history: 5 }, said(8));
  for (const size of [2, 1, 2]) {
    const { limit } = await server.answerHistory((page) => {
      const kept = page.slice(-size);
      const before = server.log[(kept[0]?.seq ?? 0) - 2];
      return [kept, before?.chain ?? ""];
    });
    assert.ok(limit >= size);
  }
  assert.deepEqual(brief(await server.events()), texts(8).slice(3).map((text) => `past ${text}`));
});

Deno.test("showHistory() goes on from what was shown, says what it shows, up to the beginning", async () => {
  await using server = await PuppetServer.start({ history: 2 }, said(6));
  const { client } = server;
  await server.answerHistory();
  const showMore = async (count: number): Promise<ClientEvent[]> => {
    const showing = client.showHistory(count);
    await Promise.race([showing, server.answerHistory()]);
    await showing;
    return await server.events();
  };
  assert.deepEqual(brief(await server.events()), ["past m5", "past m6"]);
  const [notice, ...more] = await showMore(3);
  assert.deepEqual(notice, {
    type: "notice",
    code: "history",
    message: "Messages 2 to 4 of lobby; /history shows older ones",
    room: LOBBY,
  });
  assert.deepEqual(brief(more), ["past m2", "past m3", "past m4"]);
  const [last, ...rest] = await showMore(100);
  assert.equal(
    (last as { message?: string }).message,
    "Messages 1 to 1 of lobby: from its beginning",
  );
  assert.deepEqual(brief(rest), ["past m1"]);
  const showing = client.showHistory(1); // nothing is left to ask for
  await showing;
  assert.deepEqual(brief(await server.events()), ["notice history"]);
});

Deno.test("showHistory() refuses a second request at once, and numbers that are none", async () => {
  await using server = await PuppetServer.start({}, said(3));
  const { client } = server;
  const showing = client.showHistory(1);
  await assertFails(client.showHistory(1), CallerError, "history-busy");
  for (const count of [0, -1, 1.5, NaN, 1_001]) {
    await assertFails(client.showHistory(count), CallerError, "count-invalid");
  }
  await server.answerHistory();
  await showing;
});

Deno.test("showHistory() waits for what a room begins with", async () => {
  await using server = await PuppetServer.start({ history: 2 }, said(5));
  const showing = server.client.showHistory(2);
  await server.answerHistory();
  await server.answerHistory();
  await showing;
  assert.deepEqual(brief(await server.events()), [
    ...["past m4", "past m5"],
    ...["notice history", "past m2", "past m3"],
  ]);
});

Deno.test("history that the server cannot read is an error, and the connection goes on", async () => {
  await using server = await PuppetServer.start({ history: 300 }, said(400));
  await server.answerHistory();
  await server.receive("history");
  server.say({ type: "error", code: "history-failed", message: "The disk is gone", room: LOBBY });
  const events = brief(await server.events());
  assert.equal(events.length, 201, "what came is shown");
  assert.equal(events.at(-1), "error history-failed");
  const showing = server.client.showHistory(1);
  await server.receive("history");
  server.say({ type: "error", code: "history-failed", message: "still", room: LOBBY });
  await assertFails(showing, EnvironmentError, "history-failed");
});

Deno.test("a page that an outage cut off is asked for again, and nothing is shown twice", async () => {
  await using server = await PuppetServer.start({ history: 300 }, said(400));
  await server.answerHistory();
  const cutOff = await server.receive("history");
  for (const entry of server.log.slice(100, 150)) server.sayPast(entry);
  await server.channel.flush();
  server.cut();
  server.store("missed");
  await server.acceptAgain();
  assert.deepEqual(await server.answerHistory(), cutOff);
  server.deliver(...server.log.slice(400));
  assert.deepEqual(brief(await server.events()), [
    "reconnecting connection-cut",
    ...texts(400).slice(100).map((text) => `past ${text}`),
    "reconnected",
    "message missed",
  ]);
});

Deno.test("older messages without a key are one line with their number and the key's name", async () => {
  const lost = FernetKey.generate();
  await using server = await PuppetServer.start({ history: 50 }, (room) => {
    for (let at = 0; at < 12; at += 1) room.store("unreadable", { key: lost });
    room.append({ ...room.store("x"), messageId: "broken", token: "gAAAAAbroken" });
    room.store("readable");
  });
  await server.answerHistory();
  const [notice, error, ...messages] = await server.events();
  assert.deepEqual(notice, {
    type: "notice",
    code: "older-key",
    message: `12 older messages need an older key (${lost.id})`,
    room: LOBBY,
  });
  assert.deepEqual(error, {
    type: "error",
    code: "token-invalid",
    message: "Older messages whose tokens are not valid: 1",
    room: LOBBY,
  });
  assert.deepEqual(brief(messages), ["past x", "past readable"]);
});

Deno.test("the end of the connection is the end of what was asked for", async () => {
  await using server = await PuppetServer.start({ reconnectForMs: 0, history: 2 }, said(5));
  await server.receive("history");
  server.deliverText("live");
  await server.channel.flush();
  server.cut();
  const events = await eventsUntil(server, ({ type }) => type === "closed");
  assert.deepEqual(brief(events), ["ready", "message live", "closed connection-cut"]);
  await using other = await PuppetServer.start({ reconnectForMs: 0 }, said(5));
  const showing = other.client.showHistory(2);
  await other.receive("history");
  other.cut();
  await assertFails(showing, PeerError, "connection-cut");
});

Deno.test("a live message is not held back for ever by history that does not end", async () => {
  await using server = await PuppetServer.start({ history: 2 }, said(5));
  for (let at = 0; at < 1_100; at += 1) server.deliverText("live");
  const first = await nextEvent(server.client, "message");
  assert.equal(first.text, "live");
  await server.answerHistory();
  const last = await eventsUntil(server, (event) => event.type === "message" && event.history);
  assert.equal(brief(last).at(-1), "past m4");
});

Deno.test("history that nobody asked for, or more than was asked for, ends the connection", async () => {
  for (
    const lie of [
      (server: PuppetServer) => server.sayPast(server.log[0] as LogEntry),
      (server: PuppetServer) => server.sayHistoryEnd(6),
      async (server: PuppetServer) => {
        server.client.showHistory(2).catch(() => {});
        await server.receive("history");
        for (const entry of server.log.slice(0, 3)) server.sayPast(entry);
      },
      async (server: PuppetServer) => {
        server.client.showHistory(2).catch(() => {});
        await server.receive("history");
        server.sayHistoryEnd(7);
      },
    ]
  ) {
    await using server = await PuppetServer.start({ reconnectForMs: 0 }, said(5));
    await lie(server);
    assert.equal((await nextEvent(server.client, "closed")).reason, "message-unexpected");
  }
});
