/**
 * The course project took any token at any time: who recorded a message could send it again. Here a
 * proxy replays, doubles, drops, swaps, reflects, flips and cuts what really travels. Each of it ends
 * the one connection with the right error, and the log has each message once.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { ChatConnection } from "../../lib/client/connection.ts";
import { writeAll } from "../../lib/framing.ts";
import { concat, type Direction, flipBit, type Link, Proxy } from "./proxy.ts";
import { ALICE, assertFails, assertHeard, BOB, MALLORY, nextEvent, TestServer } from "./server.ts";
import { PeerError } from "../../lib/errors.ts";

/** The server's words for each class of fault. */
const REPORTS: Record<string, RegExp> = {
  "record-invalid": /: A record is not the authentic next one$/,
  "frame-truncated": /: The connection was cut inside a frame$/,
  "frame-too-large": /: Cannot accept a frame of \d+ bytes: the limit is \d+$/,
  "connection-cut": /: The connection was cut$/,
};

/** What the proxy does to the next frame of a direction, and what its receiver makes of it. */
interface Attack {
  name: string;
  /** The fault that the receiver sees. */
  code: string;
  /** Whether the first message reaches the receiver all the same. */
  arrives: boolean;
  /** Whether a second message has to follow before anything shows. */
  second?: true;
  alter(direction: Direction): (frame: Uint8Array, link: Link, at: number) => Uint8Array[];
}

const ATTACKS: readonly Attack[] = [
  {
    name: "a frame comes twice",
    code: "record-invalid",
    arrives: true,
    alter: () => (frame) => [frame, frame],
  },
  {
    name: "a frame is dropped",
    code: "record-invalid",
    arrives: false,
    second: true,
    alter: () => (frame, _link, at) => at === 0 ? [] : [frame],
  },
  {
    name: "two frames change places",
    code: "record-invalid",
    arrives: false,
    second: true,
    alter: () => {
      let first: Uint8Array;
      return (frame, _link, at) => {
        if (at > 0) return at === 1 ? [frame, first] : [frame];
        first = frame;
        return [];
      };
    },
  },
  {
    name: "the last bit is flipped",
    code: "record-invalid",
    arrives: false,
    alter: () => (frame) => [flipBit(frame, -1)],
  },
  {
    name: "the first bit behind the length is flipped",
    code: "record-invalid",
    arrives: false,
    alter: () => (frame) => [flipBit(frame, 4)],
  },
  {
    name: "the length says one byte less",
    code: "record-invalid",
    arrives: false,
    alter: () => (frame) => {
      const shorter = frame.slice();
      new DataView(shorter.buffer).setUint32(0, frame.length - 5);
      return [shorter];
    },
  },
  {
    name: "the length says 4 GiB",
    code: "frame-too-large",
    arrives: false,
    alter: () => (frame) => [concat([Uint8Array.of(255, 255, 255, 255), frame.subarray(4)])],
  },
  {
    name: "an empty frame is put before it",
    code: "record-invalid",
    arrives: false,
    alter: () => (frame) => [new Uint8Array(4), frame],
  },
  {
    name: "the receiver's own last frame comes back",
    code: "record-invalid",
    arrives: false,
    alter: (direction) => (_frame, link) => {
      const own = direction === "toServer" ? "toClient" : "toServer";
      return [link.recorded[own].at(-1) as Uint8Array];
    },
  },
  {
    name: "the sender's last frame comes in place of it",
    code: "record-invalid",
    arrives: false,
    alter: (direction) => (_frame, link) => [link.recorded[direction].at(-2) as Uint8Array],
  },
  {
    name: "the stream ends inside a frame",
    code: "frame-truncated",
    arrives: false,
    alter: (direction) => (frame, link) => {
      link.send(direction, frame.subarray(0, -1));
      link.end(direction);
      return [];
    },
  },
  {
    name: "the stream ends between two frames",
    code: "connection-cut",
    arrives: true,
    alter: (direction) => (frame, link) => {
      link.send(direction, frame);
      link.end(direction);
      return [];
    },
  },
];

/** Sends one text, and a second one when the proxy has seen the first. */
async function say(
  chat: ChatConnection,
  texts: readonly string[],
  seen: () => Promise<void>,
): Promise<PromiseSettledResult<unknown>[]> {
  const sends = [];
  for (const text of texts) {
    const next = seen();
    sends.push(chat.send(text));
    await next;
  }
  return await Promise.allSettled(sends);
}

/** Puts an attack on a direction; the result resolves at the next frame that travels there. */
function mount(proxy: Proxy, direction: Direction, attack: Attack): () => Promise<void> {
  let frames = 0;
  let seen = Promise.withResolvers<void>();
  const alter = attack.alter(direction);
  proxy.hooks[direction] = (frame, _number, link) => {
    seen.resolve();
    return alter(frame, link, frames++);
  };
  return () => {
    seen = Promise.withResolvers();
    return seen.promise;
  };
}

/** Where an attack takes place: alice is its victim, bob and mallory must notice nothing. */
interface Scene {
  server: TestServer;
  victim: ChatConnection;
  bob: ChatConnection;
  mallory: ChatConnection;
  attack: Attack;
  /** What is said while it goes on. */
  texts: string[];
  /** See {@linkcode mount}. */
  seen(): Promise<void>;
  /** The texts that the log must have, up to now. */
  stored: string[];
}

/** Plays all attacks on a direction of alice's connection, one after another on one server. */
async function playAttacks(
  t: Deno.TestContext,
  direction: Direction,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using server = await TestServer.start([ALICE, BOB, MALLORY]);
  await using proxy = new Proxy(server.port);
  await using bob = await server.connect(BOB);
  await using mallory = await server.connect(MALLORY);
  const stored: string[] = [];
  for (const attack of ATTACKS) {
    await t.step(`${attack.name}: ${attack.code}`, async () => {
      delete proxy.hooks[direction];
      const victim = await server.connect(ALICE, proxy.port);
      const seen = mount(proxy, direction, attack);
      const texts = attack.second ? ["first", "second"] : ["first"];
      await play({ server, victim, bob, mallory, attack, texts, seen, stored });
      assert.deepEqual(server.texts(), stored);
    });
  }
}

Deno.test("attacks on what a client sends end that connection alone", (t) =>
  playAttacks(t, "toServer", async (scene) => {
    const { server, victim, bob, mallory, attack, texts, seen, stored } = scene;
    const since = server.reports.length;
    const [closed, line] = await Promise.all([
      nextEvent(victim, "closed"),
      server.reported(/^alice \(/, since),
      say(victim, texts, seen),
    ]);
    assert.match(line, REPORTS[attack.code] as RegExp);
    assert.notEqual(closed.reason, "left");
    if (attack.arrives) stored.push("first");
    if (attack.arrives) assert.equal((await nextEvent(bob, "message")).text, "first");
    stored.push(`after ${attack.name}`);
    await assertHeard(mallory, bob, `after ${attack.name}`); // and nothing came between
  }));

Deno.test("attacks on what a server sends are seen by the client", (t) =>
  playAttacks(t, "toClient", async ({ victim, bob, mallory, attack, texts, seen, stored }) => {
    await say(mallory, texts, seen);
    const heard = [];
    for await (const event of victim) {
      if (event.type === "closed") assert.equal(event.reason, attack.code);
      if (event.type === "message") heard.push(event.text);
    }
    assert.deepEqual(heard, attack.arrives ? ["first"] : []);
    stored.push(...texts);
    for (const text of texts) assert.equal((await nextEvent(bob, "message")).text, text);
  }));

Deno.test("a recorded session that is replayed on a new connection gets nothing", async () => {
  await using server = await TestServer.start([ALICE, BOB]);
  await using proxy = new Proxy(server.port);
  await using bob = await server.connect(BOB);
  const alice = await server.connect(ALICE, proxy.port);
  await assertHeard(alice, bob, "pay 10 to bob");
  await alice.close();
  const since = server.reports.length;
  const thief = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const recorded = concat(proxy.link.recorded.toServer);
  await writeAll(thief, recorded).catch(() => {}); // the server may have closed in the middle
  // The hello is answered, with a new ciphertext; the first record is under another session's key.
  assert.match(await server.reported(/^127\.0\.0\.1:/, since), REPORTS["record-invalid"] as RegExp);
  thief.close();
  assert.deepEqual(server.texts(), ["pay 10 to bob"]);
  assert.ok(!server.reports.slice(since).some((line) => line.includes("logged in")));
});

Deno.test("a server's recorded answers that are replayed to a client log nobody in", async () => {
  await using server = await TestServer.start([ALICE]);
  await using proxy = new Proxy(server.port);
  await (await server.connect(ALICE, proxy.port)).close();
  const recorded = concat(proxy.link.recorded.toClient);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const replaying = (async () => {
    const connection = await listener.accept();
    await writeAll(connection, recorded).catch(() => {});
    return connection;
  })();
  await assertFails(server.connect(ALICE, listener.addr.port), PeerError, "record-invalid");
  (await replaying).close();
});
