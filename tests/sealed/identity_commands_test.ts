/**
 * Who is who, as people are shown it: comparing, noting it, and a key that is another one than before.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Person, resetVault, startForAll } from "./at_terminal.ts";

const ESCAPE = "\x1b";
const DUNGEON = /dungeon \(sealed\)> /;

/** The groups of digits on a screen, as many as there are. */
function digitsOn(screen: string): string[] {
  return [...screen.matchAll(/(?<=-- {3})(?:\d{5} ?){6}/g)].map(([line]) => line.trim());
}

/** The lines of words. */
function wordsOn(screen: string): string[] {
  return [...screen.matchAll(/(?<=-- {3})(?:[a-z]{3,8} ?){8}(?=\r)/g)].map(([line]) => line.trim());
}

Deno.test("/verify: both see the same 60 digits and 16 words, before they have ever met", async () => {
  await using server = await startForAll();
  await using bob = await Person.at(server, "bob");
  await using alice = await Person.at(server, "alice");
  const screens = [
    await alice.type("/verify bob", /\/verified bob notes it/),
    await bob.type("/verify @Alice", /\/verified alice notes it/),
  ];
  const [one, other] = screens.map((screen) => [...digitsOn(screen), ...wordsOn(screen)]);
  assert.equal(one?.length, 4);
  assert.deepEqual(one, other);
  assert.match(screens[0] as string, /Safety number of alice and bob, not compared yet:/);
  await alice.type("/verify alice", /That is you/);
  await alice.type("/verify carol", /carol has no device/);
  await alice.type("/verify nobody", /nobody/);
});

Deno.test("/verified notes it, in all sessions; who was never met cannot be verified", async () => {
  await using server = await startForAll();
  await using _bob = await Person.at(server, "bob");
  {
    await using alice = await Person.at(server, "alice");
    await alice.type("/verified carol", /You have not met anyone of the name carol yet: \/verify/);
    await alice.type("/verify bob", /notes it/);
    await alice.type("/verified Bob", /verified: the identity key[^]*you are warned/);
    await alice.type("/verify bob", /Safety number of alice and bob, verified:/);
  }
  await using again = await Person.at(server, "alice");
  await again.type("/verify bob", /Safety number of alice and bob, verified:/);
});

Deno.test("/security tells who can read a sealed room, who was compared, and the log's head", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  const open = await alice.type("/security", /ask for this line/);
  assert.match(open, /lobby is an open room[^]*the server, which could also speak/);
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/invite bob", /nothing of before/);
  await bob.type("/join dungeon", DUNGEON);
  const seen = await alice.type("/security", /is checked against it/);
  for (
    const part of [
      /dungeon is a sealed room\. Its members' devices make its keys/,
      /Cipher suite: MLS_256_XWING_AES256GCM_SHA512_Ed25519/,
      /Epoch 1; .* Fernet key: [0-9a-f]{8}/,
      /Members, by the room's keys: 2/,
      /alice: 1 device, you/,
      /bob: 1 device, not compared \(\/verify bob\)/,
      /Admins, who alone can remove others:[^]*alice/,
      /The server sees who is a member/,
    ]
  ) assert.match(seen, part);
  const headOf = (screen: string): string | undefined =>
    /message 1, head [0-9a-f]{16}/.exec(screen)?.[0];
  assert.ok(headOf(seen));
  assert.equal(headOf(await bob.type("/security", /is checked against it/)), headOf(seen));
  await alice.type("/verify bob", /notes it/);
  await alice.type("/verified bob", /you are warned/);
  await alice.type("/security", /bob: 1 device, verified\r/);
});

Deno.test("another key under a known name: told loudly, nothing is sent, until both are compared", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice", { color: true });
  await using carol = await Person.at(server, "carol");
  let before: string[];
  {
    await using _bob = await Person.at(server, "bob");
    await alice.type("/room create dungeon", /dungeon \(sealed\)/);
    await alice.type("/dm bob", /@bob \(sealed\)/);
    await alice.type("hello", /hello/);
    before = digitsOn(await alice.type("/verify bob", /notes it/));
    await alice.type("/verified bob", /you are warned/);
  }
  resetVault(server, "bob");
  await using bob = await Person.at(server, "bob");
  await carol.type("/room create crypt", /crypt \(sealed\)> /);
  await carol.type("/invite bob", /nothing of before/);
  await alice.type("/join lobby", /lobby \(open\)/);
  await carol.type("/invite alice", /nothing of before/);
  // Bright, with a bell, and although alice looks at the lobby.
  const warned = await alice.sees(
    new RegExp(`${ESCAPE}\\[91mWARNING: bob has another identity key than before`),
  );
  assert.ok(warned.includes("\x07"));
  await alice.type(
    "/msg bob secret",
    /Not sent: secret[^]*bob has another identity key than before/,
  );
  await alice.type("/join dungeon", /dungeon \(sealed\)/);
  await alice.type("/invite bob", /Nothing was sent: bob has another identity key/);
  await alice.type("/verified bob", /You have not compared the new key of bob: \/verify bob/);
  const seen = await alice.type("/verify bob", /is let in nowhere/);
  assert.match(seen, /WARNING: bob has another identity key, since \d{4}-\d\d-\d\d/);
  assert.match(seen, /The safety number before, verified, since/);
  const shown = digitsOn(seen);
  assert.deepEqual(shown.slice(0, 2), before);
  assert.deepEqual(shown.slice(2), digitsOn(await bob.type("/verify alice", /notes it/)));
  await alice.type("/verified bob", /\/invite bob lets the new devices into a room of yours/);
  await alice.type("/invite bob", /nothing of before/);
  await bob.sees(/alice added you to the sealed room dungeon/);
  await alice.type("/join @bob", /@bob \(sealed\)/); // which lets them in there
  await alice.type("hello again", /hello again/);
  await bob.sees(/\[.*@alice 1/);
});

Deno.test("a direct room with the devices of before says, once the new key is verified, how to go on", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  {
    await using _bob = await Person.at(server, "bob");
    await alice.type("/dm bob", /@bob \(sealed\)/);
  }
  resetVault(server, "bob");
  await using bob = await Person.at(server, "bob");
  await bob.sees(/has the keys of @alice: after a password reset/);
  await alice.type("/invite bob", /another identity key/);
  await alice.type("/verify bob", /is let in nowhere/);
  await alice.type("/verified bob", /you are warned/);
  await alice.type(
    "hello again",
    /Not sent: hello again[^]*here are\s+those of[^]*\/invite bob\s+lets/,
  );
  await alice.type("/invite bob", /bob can read what is said from now on/);
  await alice.type("hello again", /alice.*hello again/);
  await bob.sees(/alice writes to you/);
});

Deno.test("a room with somebody's devices of before is no news of another key, in no session", async () => {
  await using server = await startForAll();
  {
    await using alice = await Person.at(server, "alice");
    {
      await using _bob = await Person.at(server, "bob");
      await alice.type("/dm bob", /@bob \(sealed\)/);
      await alice.type("/room create dungeon", DUNGEON);
      await alice.type("/invite bob", /nothing of before/);
    }
    resetVault(server, "bob");
    await using _bob = await Person.at(server, "bob");
    await alice.type("/invite bob", /another identity key/);
    await alice.type("/verify bob", /is let in nowhere/);
    await alice.type("/verified bob", /you are warned/);
    await alice.chat.close();
  }
  await using _bob = await Person.at(server, "bob");
  await using alice = await Person.at(server, "alice");
  const told = /bob has an identity key of before in (@bob|dungeon)/;
  const seen = await alice.sees(new RegExp(`${told.source}[^]*${told.source}`));
  assert.doesNotMatch(seen, /WARNING/);
  await alice.type("/verify bob", /Safety number of alice and bob, verified/);
  await alice.type("/dm bob", /alice changed the devices of bob/);
  await alice.type("hello again", /alice.*hello again/);
  await alice.type("/join dungeon", DUNGEON);
  await alice.type("/security", /bob: 1 device, the key of before \(\/invite bob\)/);
  await alice.type("/invite bob", /bob can read what is said from now on/);
  await alice.type("/security", /bob: 1 device, verified/);
});
