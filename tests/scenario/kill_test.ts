/**
 * Nothing acked is lost, and nobody hears anything twice or out of order: while the server is killed
 * again and again, while clients are, and while connections are cut. `kill -9` gives no time for
 * last words, so what holds here was on the disk before it was said.
 *
 * Seconds each: real processes that start again and again.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Proxy } from "../attacks/proxy.ts";
import { Acks, assertKept, lastSeq, Listener, Writer } from "./crowd.ts";
import { ALICE, BOB, MALLORY as CAROL } from "../attacks/server.ts";
import { FAR, makeAccounts } from "./near_client.ts";
import { runProgram, ServerProgram } from "./programs.ts";

const KILLS = 20;
/** So many of the killed clients are processes of their own; the others die within this one. */
const KILLED_PROCESSES = 3;
const CUTS = 50;

/** A folder with a database that has accounts, and the server's options for it. */
class Site implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "fernchat-kill-" });
  readonly db = `${this.folder}/chat_logs.db`;
  readonly options = ["--db", this.db, "--key-file", `${this.folder}/lobby.key`];

  static async make(): Promise<Site> {
    const site = new Site();
    await makeAccounts(site.db, { near: [ALICE, BOB, CAROL] });
    return site;
  }

  /** The log, checked by the operator's command. */
  async verify(): Promise<void> {
    const { code, stderr } = await runProgram("server", ["log", "verify", "--db", this.db]);
    assert.equal(code, 0, stderr);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test(`the server is killed ${KILLS} times under load: nothing acked is lost or doubled`, async () => {
  await using site = await Site.make();
  let server = await ServerProgram.start(site.options);
  try {
    const { port } = server;
    const acks = new Acks();
    await using listener = await Listener.start(port, CAROL);
    await using alice = await Writer.start(port, ALICE, acks);
    await using bob = await Writer.start(port, BOB, acks);
    for (let kill = 1; kill <= KILLS; kill++) {
      await acks.more(20);
      server.kill("SIGKILL");
      await server.ended();
      server = await ServerProgram.start(["--port", String(port), ...site.options]);
    }
    await acks.more(20);
    await Promise.all([alice.stop(), bob.stop()]);
    await listener.upTo(lastSeq(site.db));
    assertKept(site.db, acks, [listener]);
    // Before each kill one of them was there at least, or nothing would have been acked.
    assert.ok(alice.reconnects.length + bob.reconnects.length >= KILLS);
    await site.verify();
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

Deno.test(`clients are killed ${KILLS} times under load: nothing acked is lost or doubled`, async () => {
  await using site = await Site.make();
  await using server = await ServerProgram.start(site.options);
  const acks = new Acks();
  await using listener = await Listener.start(server.port, CAROL);
  await using bob = await Writer.start(server.port, BOB, acks);
  for (
    const [kills, who, start] of [
      [KILLS - KILLED_PROCESSES, ALICE, Writer.start],
      [KILLED_PROCESSES, FAR, Writer.startProgram],
    ] as const
  ) {
    let victim = await start(server.port, who, acks);
    try {
      for (let kill = 1; kill <= kills; kill++) {
        await acks.more(20);
        await victim.kill();
        // What the killed client did not learn, the next one finds out by sending it again.
        victim = await start(server.port, who, acks, victim.unacked);
      }
      await acks.more(20);
      await victim.stop();
    } finally {
      await victim[Symbol.asyncDispose]();
    }
  }
  await bob.stop();
  await listener.upTo(lastSeq(site.db));
  assertKept(site.db, acks, [listener]);
  await site.verify();
});

Deno.test(`${CUTS} connections are cut under load: nothing acked is lost or doubled`, async () => {
  await using site = await Site.make();
  await using server = await ServerProgram.start(site.options);
  await using proxy = new Proxy(server.port);
  const acks = new Acks();
  await using listener = await Listener.start(proxy.port, CAROL);
  await using alice = await Writer.start(proxy.port, ALICE, acks);
  await using bob = await Writer.start(proxy.port, BOB, acks);
  let cut = 0;
  while (cut < CUTS) {
    await acks.more(10);
    const open = proxy.links.filter((link) => !link.isClosed);
    for (const link of open) link.cut();
    cut += open.length;
  }
  await acks.more(10);
  await Promise.all([alice.stop(), bob.stop()]);
  await listener.upTo(lastSeq(site.db));
  assertKept(site.db, acks, [listener]);
  await site.verify();
});
