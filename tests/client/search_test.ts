/**
 * Searching a room's past, on a server that answers as the test says.
 *
 * @module
 */

import assert from "node:assert/strict";
import { EventQueue } from "../../lib/client/event_queue.ts";
import type { ClientEvent, FoundEvent, SearchEvent } from "../../lib/client/events.ts";
import { Ignored } from "../../lib/client/ignored.ts";
import { PastPages } from "../../lib/client/past_pages.ts";
import { RoomState } from "../../lib/client/room_state.ts";
import { Search } from "../../lib/client/search.ts";
import { CallerError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import type { ClientMessage } from "../../lib/protocol/messages.ts";
import { assertThrows } from "../attacks/server.ts";
import type { Send } from "./puppet_room.ts";
import { brief, PuppetServer } from "./puppet_server.ts";

/** So many messages; each tenth, from the last one back, is about the exam. */
function said(count: number): (room: PuppetServer) => void {
  return (room) => {
    for (let at = count; at > 0; at -= 1) room.store(at % 10 === 1 ? `exam ${at}` : `chat ${at}`);
  };
}

/** Searches to the end of it, and gives the events. */
async function search(server: PuppetServer, words: string, pages: number): Promise<ClientEvent[]> {
  server.client.searchIn().start(words);
  for (let page = 0; page < pages; page += 1) await server.answerHistory();
  await server.client.settled();
  return await server.events();
}

const isFound = (event: ClientEvent): event is FoundEvent => event.type === "found";
const isSearch = (event: ClientEvent): event is SearchEvent => event.type === "search";

Deno.test("a search finds what has all the words, newest first, back to the beginning", async () => {
  await using server = await PuppetServer.start({}, said(30));
  const events = await search(server, "EXAM", 1);
  assert.deepEqual(brief(events), [
    "found exam 1",
    "found exam 11",
    "found exam 21",
    "search beginning",
  ]);
  const [hit] = events.filter(isFound);
  assert.deepEqual(hit, {
    type: "found",
    room: "lobby",
    seq: 30,
    id: "m30",
    sender: "bob",
    sent_at: "2026-01-01T00:00:00.000Z",
    text: "exam 1",
    kind: "open",
    matches: [[0, 4]],
  });
  assert.deepEqual(events.filter(isSearch), [{
    type: "search",
    room: "lobby",
    state: "done",
    found: 3,
    searched: 30,
    unopened: 0,
    back_to: "2026-01-01T00:00:00.000Z",
    message: "3 found in 30 messages of lobby",
    end: "beginning",
  }]);
});

Deno.test("a search asks for one page after the other, and shows each page's hits before the next", async () => {
  await using server = await PuppetServer.start({}, said(450));
  server.client.searchIn().start("exam");
  const asked = [];
  for (let page = 0; page < 3; page += 1) {
    asked.push(await server.answerHistory());
    const hits = (await server.events()).filter(isFound);
    assert.deepEqual(hits.length, [20, 20, 5][page]);
  }
  await server.client.settled();
  assert.deepEqual(asked.map(({ before, limit }) => [before, limit]), [
    [451, 200],
    [251, 200],
    [51, 200],
  ]);
});

Deno.test("a search in an empty room ends at once, and asks for nothing", async () => {
  await using server = await PuppetServer.start();
  const [done] = await search(server, "exam", 0);
  assert.equal((done as SearchEvent).message, "0 found in 0 messages of lobby");
});

Deno.test("a long search says how far it is every 2,000 messages", async () => {
  await using server = await PuppetServer.start({}, said(4_300));
  const events = await search(server, "absent", 22);
  assert.deepEqual(
    events.filter(isSearch).map(({ state, searched, found }) => [state, searched, found]),
    [["progress", 2_000, 0], ["progress", 4_000, 0], ["done", 4_300, 0]],
  );
  const [progress] = events.filter(isSearch);
  assert.match(
    progress?.message ?? "",
    /^Searched lobby back to 20\d\d-\d\d-\d\d: 0 found by now$/,
  );
});

Deno.test("100 are found, then someone has to ask for more: it goes on where it ended", async () => {
  await using server = await PuppetServer.start({}, said(1_350));
  const first = await search(server, "exam", 5);
  assert.equal(first.filter(isFound).length, 100);
  assert.equal(first.filter(isFound).at(-1)?.text, "exam 991");
  const [enough] = first.filter(isSearch);
  assert.equal(enough?.end, "enough");
  assert.match(enough?.message ?? "", /^100 found in 991 messages .*; \/search more goes on$/);
  server.client.searchIn().more();
  for (let page = 0; page < 2; page += 1) await server.answerHistory();
  await server.client.settled();
  const second = await server.events();
  assert.deepEqual(second.filter(isFound).map(({ text }) => text).slice(0, 2), [
    "exam 1001",
    "exam 1011",
  ]);
  const [done] = second.filter(isSearch);
  assert.deepEqual([done?.end, done?.found, done?.searched], ["beginning", 135, 1_350]);
  assertThrows(() => server.client.searchIn().more(), CallerError, "search-over");
});

Deno.test("one search at a time; none can be stopped or gone on with where there is none", async () => {
  await using server = await PuppetServer.start({}, said(10));
  const { client } = server;
  assertThrows(() => client.searchIn().stop(), CallerError, "search-over");
  assertThrows(() => client.searchIn().more(), CallerError, "search-over");
  assertThrows(() => client.searchIn().start(" "), CallerError, "search-invalid");
  client.searchIn().start("exam");
  assertThrows(() => client.searchIn().start("chat"), CallerError, "search-busy");
  assertThrows(() => client.searchIn().more(), CallerError, "search-busy");
  await server.answerHistory();
  await server.client.settled();
});

Deno.test("a search that is stopped shows nothing more, and can be gone on with", async () => {
  await using server = await PuppetServer.start({}, said(450));
  server.client.searchIn().start("exam");
  await server.answerHistory();
  const late = await server.receive("history");
  server.client.searchIn().stop();
  await server.client.settled();
  server.sayHistory(late);
  assert.deepEqual(brief(await server.events()).slice(20), ["search stopped"]);
  server.client.searchIn().more();
  await server.answerHistory(); // not the page again that came too late
  await server.client.settled();
  const rest = await server.events();
  assert.deepEqual(rest.filter(isFound).map(({ text }) => text), [
    ...Array.from({ length: 25 }, (_, at) => `exam ${201 + 10 * at}`),
  ]);
});

Deno.test("a search that is gone on with while its page is still on its way asks for it once", async () => {
  await using server = await PuppetServer.start({}, said(250));
  server.client.searchIn().start("exam");
  const late = await server.receive("history");
  server.client.searchIn().stop();
  await server.client.settled();
  server.client.searchIn().more();
  server.sayHistory(late);
  const { before } = await server.answerHistory();
  await server.client.settled();
  assert.equal(before, 51);
  assert.equal((await server.events()).filter(isFound).length, 25);
  const sending = server.client.send("hello");
  const [send] = await server.receiveSends(1) as [Send]; // and no other request before it
  server.ack(send);
  await sending;
});

/** So many events, in short. */
async function next(events: EventQueue, count: number): Promise<string[]> {
  const seen: ClientEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (seen.length === count) break;
  }
  return brief(seen);
}

Deno.test("a search that is stopped while its reader is slow says nothing more, until it goes on", async () => {
  await using server = new PuppetServer();
  said(60)(server);
  const { seq: last_seq, chain: head } = server.head;
  const settings = { kind: "open", topic: "", slow: 0, keys: server.keys.map(String) } as const;
  const joined = { type: "joined", room: "lobby", ...settings, last_seq, head } as const;
  const asked: ClientMessage[] = [];
  const state = new RoomState(joined, "alice");
  const pages = new PastPages({ room: "lobby", send: (message) => asked.push(message) });
  const events = new EventQueue(new Ignored("alice"), 1);
  const search = new Search({ state, events, pages });
  search.start("exam");
  for (const entry of server.log.slice(30)) pages.add(entry);
  const previous = server.log[29]?.chain ?? "";
  const taking = pages.end({ type: "history_end", room: "lobby", before: 61, previous });
  search.stop(); // one event waits, and the search for it to be read
  assert.deepEqual(await next(events, 2), ["found exam 1", "search stopped"]);
  await Promise.all([taking, search.settled()]);
  search.more();
  assert.deepEqual(await next(events, 2), ["found exam 11", "found exam 21"]);
  assert.deepEqual(asked.map((message) => message.type === "history" && message.before), [61, 31]);
  events.unbound();
  search.abandon();
});

Deno.test("another search can begin while the page of one that was stopped is on its way", async () => {
  await using server = await PuppetServer.start({}, said(150));
  server.client.searchIn().start("exam");
  const late = await server.receive("history");
  server.client.searchIn().stop();
  await server.client.settled();
  server.client.searchIn().start('"chat 7"');
  server.sayHistory(late);
  await server.answerHistory();
  await server.client.settled();
  const hits = (await server.events()).filter(isFound).map(({ text }) => text);
  assert.ok(hits.length > 0 && hits.every((text) => text.startsWith("chat 7")), String(hits));
});

Deno.test("a page that an outage cut off is asked for again, and nothing is found twice", async () => {
  await using server = await PuppetServer.start({}, said(450));
  server.client.searchIn().start("exam");
  await server.answerHistory();
  const cutOff = await server.receive("history");
  for (const entry of server.log.slice(50, 120)) server.sayPast(entry);
  await server.channel.flush();
  server.cut();
  await server.acceptAgain();
  assert.deepEqual(await server.answerHistory(), cutOff);
  await server.answerHistory();
  await server.client.settled();
  const hits = (await server.events()).filter(isFound).map(({ seq }) => seq);
  assert.deepEqual(hits, Array.from({ length: 45 }, (_, at) => 450 - 10 * at));
});

Deno.test("the end of the connection is the end of the search", async () => {
  await using server = await PuppetServer.start({ reconnectForMs: 0 }, said(450));
  server.client.searchIn().start("exam");
  await server.receive("history");
  server.cut();
  await server.client.settled();
  const ends = [];
  for await (const event of server.client) ends.push(event);
  assert.deepEqual(brief(ends).slice(1), ["search stopped", "closed connection-cut"]);
});

Deno.test("a page that the server cannot read ends the search, which can be tried on", async () => {
  await using server = await PuppetServer.start({}, said(250));
  server.client.searchIn().start("exam");
  await server.answerHistory();
  await server.receive("history");
  server.say({ type: "error", code: "history-failed", message: "The disk is gone", room: "lobby" });
  await server.client.settled();
  assert.deepEqual(brief(await server.events()).slice(20), [
    "error history-failed",
    "search failed",
  ]);
  server.client.searchIn().more();
  await server.answerHistory();
  await server.client.settled();
  assert.equal((await server.events()).filter(isFound).length, 5);
});

Deno.test("history and a search take turns, and do not disturb each other", async () => {
  await using server = await PuppetServer.start({}, said(650));
  server.client.searchIn().start("exam");
  const showing = server.client.showHistory(300);
  const asked = [];
  for (let page = 0; page < 6; page += 1) asked.push((await server.answerHistory()).before);
  await Promise.all([server.client.settled(), showing]);
  assert.deepEqual(asked, [651, 651, 451, 451, 251, 51]);
  const events = await server.events();
  assert.equal(events.filter(isFound).length, 65);
  assert.equal(events.filter(({ type }) => type === "message").length, 300);
  assert.ok(!events.some(({ type }) => type === "error"));
});

Deno.test("what cannot be opened is counted; what was said by others than is asked is not opened", async () => {
  await using server = await PuppetServer.start({}, (server) => {
    for (let at = 0; at < 3; at += 1) server.store("exam", { key: FernetKey.generate() });
    server.store("exam", { sender: "carol" });
  });
  const [, done] = await search(server, "exam", 1) as [FoundEvent, SearchEvent];
  assert.equal(done.message, "1 found in 4 messages of lobby; 3 could not be opened");
  assert.equal(done.unopened, 3);
  const [, other] = await search(server, "exam from:Carol", 1) as [FoundEvent, SearchEvent];
  assert.deepEqual([other.found, other.unopened], [1, 0]);
});

Deno.test("of who is ignored nothing is found", async () => {
  await using server = await PuppetServer.start({}, (server) => {
    for (const sender of ["bob", "mallory"]) server.store(`exam by ${sender}`, { sender });
  });
  server.client.ignored.add("mallory");
  const events = await search(server, "exam", 1);
  assert.deepEqual(brief(events), ["found exam by bob", "search beginning"]);
  assert.equal(events.filter(isSearch)[0]?.found, 1);
});

Deno.test("settled() waits for a search", async () => {
  await using server = await PuppetServer.start({}, said(10));
  server.client.searchIn().start("exam");
  let isSettled = false;
  const settled = server.client.settled().then(() => isSettled = true);
  const question = await server.receive("history");
  assert.ok(!isSettled);
  server.sayHistory(question);
  await settled;
});

Deno.test("each room has a search of its own, and leaving a room ends its one", async () => {
  await using server = await PuppetServer.start({}, said(10));
  const physics = server.room("physics");
  for (let at = 0; at < 250; at += 1) physics.store("exam in physics");
  await server.letIn("physics");
  server.client.searchIn("physics").start("physics");
  server.client.searchIn().start("exam");
  assert.equal((await server.receive("history")).room, "physics");
  await server.answerHistory();
  const leaving = server.client.leave("physics");
  await server.receive("leave");
  server.say({ type: "left", room: "physics", code: "left", message: "You left" });
  await leaving;
  assert.deepEqual(brief(await server.events()).slice(1), [
    "found exam 1",
    "search beginning",
    "search stopped",
    "left",
  ]);
  assertThrows(
    () => server.client.searchIn("physics").start("exam"),
    CallerError,
    "room-unknown",
  );
});

Deno.test("what is asked for before the room is joined again waits until it is", async () => {
  await using server = await PuppetServer.start({}, said(10));
  server.cut();
  await server.accept();
  await server.receive("join");
  server.client.searchIn().start("exam"); // there is a connection, but not the room yet
  server.join();
  await server.answerHistory();
  await server.client.settled();
  assert.equal((await server.events()).filter(isFound).length, 1);
});
