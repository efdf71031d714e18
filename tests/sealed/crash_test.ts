/**
 * A client that dies between making a commit and knowing of it: at whichever moment, its next
 * session goes on, and so does everyone else.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Proxy } from "../attacks/proxy.ts";
import { TestServer } from "../attacks/server.ts";
import { ProxiedPair } from "./cut_off.ts";
import { accounts, Person, ROOM } from "./person.ts";

const NAMES = ["alice", "bob", "carol"] as const;

/** Alice behind the proxy, and carol with a device by which she can be invited. */
async function start(options: { reconnectForMs?: number } = {}): Promise<ProxiedPair> {
  const pair = await ProxiedPair.start("alice", options);
  await (await Person.come(pair.server, "carol"))[Symbol.asyncDispose]();
  return pair;
}

/** What goes to the server from now on is lost; resolves when something was. */
function loseRequests({ proxy }: ProxiedPair): Promise<void> {
  const lost = Promise.withResolvers<void>();
  proxy.hooks.toServer = () => {
    lost.resolve();
    return [];
  };
  return lost.promise;
}

/** Only so many frames still come from the server. */
function loseAnswers({ proxy }: ProxiedPair, frames: number): void {
  let left = frames;
  proxy.hooks.toClient = (frame) => left-- > 0 ? [frame] : [];
}

/** Alice's next session, on a connection that holds: all goes on. */
async function goOn({ server, bob }: ProxiedPair): Promise<void> {
  await using alice = await Person.come(server, "alice");
  await checkBoth(alice, bob);
}

/** Alice and bob, and carol if she was added, hear each other and agree. */
async function checkBoth(alice: Person, bob: Person): Promise<void> {
  await alice.say("alice goes on");
  await bob.hears("alice goes on");
  await alice.chat.sealed.rekey(ROOM);
  await bob.chat.sealed.rekey(ROOM);
  await bob.say("so does bob");
  await alice.hears("so does bob");
  const epoch = await alice.epoch();
  assert.equal(await bob.epoch(), epoch);
  assert.deepEqual(await alice.members(), await bob.members());
  assert.deepEqual(alice.errors, []);
  assert.deepEqual(bob.errors, []);
}

/** A way to change a room, and how many frames the server answers before the commit is made. */
interface Way {
  change(one: Person): Promise<void>;
  before: number;
}

const WAYS: { [what: string]: Way } = {
  "new keys": { change: (one) => one.chat.sealed.rekey(ROOM), before: 0 },
  "an invitation": { change: (one) => one.chat.sealed.invite(ROOM, ["carol"]), before: 1 },
};

for (const [what, { change, before }] of Object.entries(WAYS)) {
  Deno.test(`killed before ${what} was sent`, async () => {
    await using pair = await start();
    const changing = change(pair.alice).catch(() => {});
    await pair.alice.kill();
    await changing;
    await goOn(pair);
  });

  Deno.test(`killed when ${what} was sent, and never stored`, async () => {
    await using pair = await start();
    const lost = loseRequests(pair);
    const changing = change(pair.alice).catch(() => {});
    await lost;
    await pair.alice.kill();
    await changing;
    await goOn(pair);
  });

  for (const frames of [0, 1, 2]) {
    Deno.test(`killed when ${what} was stored, after ${frames} frames of the answer`, async () => {
      await using pair = await start();
      const epoch = await pair.bob.epoch();
      loseAnswers(pair, before + frames);
      const changing = change(pair.alice).catch(() => {});
      await pair.bob.reaches(epoch + 1);
      await pair.alice.kill();
      await changing;
      await goOn(pair);
    });
  }

  Deno.test(`cut off when ${what} was stored, the same session goes on, and the next one`, async () => {
    await using pair = await start({ reconnectForMs: Infinity });
    const { alice, bob, proxy } = pair;
    const epoch = await bob.epoch();
    loseAnswers(pair, before);
    const changing = change(alice).catch((error) => error.code);
    await bob.reaches(epoch + 1);
    delete proxy.hooks.toClient;
    proxy.link.cut();
    assert.equal(await changing, "connection-cut");
    await alice.reaches(epoch + 1);
    await checkBoth(alice, bob);
    await alice[Symbol.asyncDispose]();
    await goOn(pair);
  });

  Deno.test(`cut off before ${what} was stored, the same session goes on, and the next one`, async () => {
    await using pair = await start({ reconnectForMs: Infinity });
    const { alice, bob, proxy } = pair;
    const lost = loseRequests(pair);
    const changing = change(alice).catch((error) => error.code);
    await lost;
    delete proxy.hooks.toServer;
    proxy.link.cut();
    assert.equal(await changing, "connection-cut");
    await alice.told("reconnected");
    await checkBoth(alice, bob);
    await alice[Symbol.asyncDispose]();
    await goOn(pair);
  });
}

Deno.test("killed at any moment of making a room: it is there and can be used, or its name is free", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  for (const frames of [0, 1, 2, 3]) {
    await using proxy = new Proxy(server.port);
    const alice = await Person.come(server, "alice", { port: proxy.port });
    const seen = proxy.link.recorded.toClient.length;
    const reached = Promise.withResolvers<void>();
    proxy.hooks.toClient = (frame, number) => {
      if (number >= seen + frames) reached.resolve();
      return number < seen + frames ? [frame] : [];
    };
    const room = `room-${frames}`;
    const making = alice.chat.sealed.create(room).catch(() => {});
    await Promise.race([reached.promise, making]);
    await alice.kill();
    await making;
    await using again = await Person.come(server, "alice");
    if (again.chat.rooms.every((one) => one.room !== room)) await again.chat.sealed.create(room);
    await again.say("made", room);
    assert.deepEqual(again.errors, []);
  }
});

Deno.test("a new device that is killed at any moment of coming in comes in the next time", async () => {
  await using server = await TestServer.start(accounts(...NAMES));
  await using first = await Person.come(server, "alice");
  await first.chat.sealed.create(ROOM);
  for (let frames = 3; frames < 24; frames++) {
    await comeAndDie(server, "alice", frames);
    await using again = await Person.come(server, "alice");
    await again.say(`after ${frames}`);
    await first.hears(`after ${frames}`);
    assert.deepEqual(again.errors, []);
  }
  assert.deepEqual(first.errors, []);
});

Deno.test("an account whose first session is killed at any moment can be invited after the next", async () => {
  const names = Array.from({ length: 12 }, (_, at) => `user${at}`);
  await using server = await TestServer.start(accounts("alice", ...names));
  await using alice = await Person.come(server, "alice");
  await alice.chat.sealed.create(ROOM);
  for (const [at, name] of names.entries()) {
    await comeAndDie(server, name, at + 3);
    await using again = await Person.come(server, name);
    await alice.chat.sealed.invite(ROOM, [name]);
    await again.told("joined");
    await again.say(`${name} is in`);
    await alice.hears(`${name} is in`);
    assert.deepEqual(again.errors, []);
  }
  assert.deepEqual(alice.errors, []);
});

/** A session that hears so many frames of the server, and is dead. */
async function comeAndDie(server: TestServer, name: string, frames: number): Promise<void> {
  await using proxy = new Proxy(server.port);
  const reached = Promise.withResolvers<void>();
  proxy.hooks.toClient = (frame, number) => {
    if (number >= frames) reached.resolve();
    return number < frames ? [frame] : [];
  };
  const coming = Person.come(server, name, { port: proxy.port }).catch(() => undefined);
  await Promise.race([reached.promise, coming]);
  proxy.link.cut();
  await (await coming)?.kill();
}
