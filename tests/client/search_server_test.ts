/**
 * Searching several thousand messages on a real server.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ChatConnection } from "../../lib/client/connection.ts";
import type { ClientEvent, FoundEvent } from "../../lib/client/events.ts";
import { Proxy } from "../attacks/proxy.ts";
import { ALICE, connectAs, TestServer } from "../attacks/server.ts";
import { fillLog } from "./filled_log.ts";
import { IMPATIENT } from "./puppet_server.ts";

const COUNT = 5_000;
const NEEDLES = Array.from({ length: COUNT / 500 }, (_, at) => COUNT - 500 * at);

async function startFilled(): Promise<TestServer> {
  const server = await TestServer.start([ALICE]);
  await fillLog({
    db: server.db,
    key: server.running.ring.primary,
    sender: "bob",
    count: COUNT,
    text: (seq) => seq % 500 === 0 ? `A Needle in ${seq}` : `straw ${seq}`,
  });
  return server;
}

/** Searches to the end; `onProgress` is called each time that the search says how far it is. */
async function searchAll(
  client: ChatConnection,
  words: string,
  onProgress: () => void = () => {},
): Promise<ClientEvent[]> {
  const events: ClientEvent[] = [];
  client.searchIn().start(words);
  for await (const event of client) {
    events.push(event);
    if (event.type !== "search") continue;
    if (event.state === "done") break;
    onProgress();
  }
  return events;
}

function placesFound(events: readonly ClientEvent[]): number[] {
  return events.filter((event): event is FoundEvent => event.type === "found")
    .map(({ seq }) => seq);
}

// A second each, for the log of 5,000 messages.
Deno.test("a search goes through a long log, and no plain word of it crosses the wire", async () => {
  await using server = await startFilled();
  await using proxy = new Proxy(server.port);
  await using client = await server.connect(ALICE, proxy.port);
  const events = await searchAll(client, "needle a");
  assert.deepEqual(placesFound(events), NEEDLES);
  const done = events.at(-1);
  assert.equal(done?.type === "search" && done.message, "10 found in 5,000 messages of lobby");
  assert.equal(events.filter(({ type }) => type === "search").length, 3);
  assert.ok(!new TextDecoder("latin1").decode(proxy.recorded).toLowerCase().includes("needle"));
});

Deno.test("a search goes on over outages: all is found, once and in order", async () => {
  await using server = await startFilled();
  await using proxy = new Proxy(server.port);
  await using client = await connectAs({ ...ALICE, port: proxy.port, timing: IMPATIENT });
  const events = await searchAll(client, "needle", () => proxy.link.cut());
  assert.deepEqual(placesFound(events), NEEDLES);
  assert.ok(events.filter(({ type }) => type === "reconnected").length >= 1);
  assert.ok(!events.some(({ type }) => type === "error"));
});
