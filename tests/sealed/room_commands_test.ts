/**
 * What people type about sealed rooms, at terminals on a real server: what each command does, what it
 * says, and what it refuses.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Person, startForAll } from "./at_terminal.ts";

const DUNGEON = /dungeon \(sealed\)> /;

Deno.test("/room create makes a sealed room, goes there, and teaches what comes next", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  const seen = await alice.type("/room create Dungeon", /lets people in[^]*dungeon \(sealed\)> /);
  assert.match(seen, /You are in dungeon, a sealed room: only its members can read it\./);
  assert.equal(alice.chat.rooms.find(({ room }) => room === "dungeon")?.kind, "sealed");
  await alice.type(
    "/room create dungeon",
    /You are in a room dungeon already: \/join dungeon goes/,
  );
  await alice.type("/room create a/b", /Not a room's name: "a\/b": use 1 to 32 of a-z/);
  await alice.type("/room create crypt Bones", /A sealed room has no topic: the server would read/);
  await alice.type("/room create --open crypt Bones", /[Oo]perators/);
  await alice.type("/room make crypt", /Use it so: \/room create \[--open\] NAME/);
  await alice.type("/rooms", /\* dungeon \(sealed\), 1 here[^]*\* lobby \(open\), 1 here/);
});

Deno.test("the first prompt comes when all is said that tells what it is", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  const screen = await alice.sees(/lobby \(open\)> /);
  const before = screen.slice(0, screen.indexOf("lobby (open)> "));
  assert.match(before, /You are alice in lobby, an open room[^]*\/help shows the commands/);
});

Deno.test("/invite lets in, and all see it; who cannot be let in is named", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  await alice.type("/invite bob", /lobby is an open room: everyone may enter it/);
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/invite", /Use it so: \/invite NAME\.\.\./);
  await alice.type("/invite no!body", /No account can have that name/);
  await alice.type("/invite nobody", /nobody/);
  await alice.type("/invite carol", /carol has no device/);
  await alice.type(
    "/invite bob carol",
    /carol has no device[^]*no one was let in: \/invite the other/,
  );
  await alice.type("/invite bob nobody", /no account "nobody": no one was let in/);
  const seen = await alice.type("/invite @Bob", /nothing of before/);
  assert.match(seen, /alice added bob/);
  await bob.sees(/alice added you to the sealed room dungeon: \/join dungeon goes there/);
  await alice.type("/invite bob", /bob can read dungeon already/);
  await bob.type("/join dungeon", DUNGEON);
  await alice.type("hello bob", /alice.*hello bob/);
  await bob.sees(/alice.*hello bob/);
});

Deno.test("/names: the members by the keys, who is here by the server's word", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  {
    await using bob = await Person.at(server, "bob");
    await alice.type("/room create dungeon", DUNGEON);
    await alice.type("/invite bob", /nothing of before/);
    await bob.type("/away at lunch", /You are away/);
    await bob.type("/join dungeon", DUNGEON);
    await alice.type("/names", /Members of dungeon: alice \(admin\), bob \(away: at lunch\)/);
  }
  for (;;) {
    const seen = await alice.type("/names", /Members of dungeon: .*/);
    if (seen.includes("bob (not here)")) break; // the server may still say good-bye to bob
  }
});

Deno.test("/kick in a sealed room is for its admins: the keys change, and the reason is told", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  await using carol = await Person.at(server, "carol");
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/invite bob carol", /bob and carol can read/);
  for (const one of [bob, carol]) await one.type("/join dungeon", DUNGEON);
  await bob.type("/kick carol", /Only the admins of dungeon can remove people/);
  await alice.type("/kick alice", /You cannot remove yourself: \/leave does that/);
  await alice.type("/kick mallory", /mallory is not a member/);
  await alice.type("/kick bob enough for today", /bob cannot read what is said from now on/);
  await bob.sees(/You are out of dungeon: alice removed you[^]*\(no room\)> /);
  await carol.sees(/alice removed bob[^]*\* alice.* removed bob: enough for today/);
  await alice.type("without bob", /alice.*without bob/);
  await carol.sees(/without bob/);
  assert.doesNotMatch(bob.io.output, /without bob/);
});

Deno.test("/topic of a sealed room: there is none, and why", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await alice.type("/room create dungeon", DUNGEON);
  for (const line of ["/topic", "/topic bones"]) {
    await alice.type(line, /A sealed room has no topic: the server could read it/);
  }
});

Deno.test("/rekey makes new keys, and says what that is good for", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await alice.type("/rekey", /lobby is an open room/);
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/rekey", /whoever stole those of before cannot read on/);
  const { epoch } = await alice.chat.sealed.security("dungeon");
  assert.equal(epoch, 1);
});

Deno.test("/leave of a sealed room is for good: it says so, and how to come back", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/invite bob", /nothing of before/);
  await bob.type("/join dungeon", DUNGEON);
  await bob.type("/leave", /keys export it before[^]*Type yes to leave dungeon for good: /);
  await bob.type("what was typed ahead", /You are still in dungeon/);
  await bob.type("/leave", /Type yes/);
  const seen = await bob.type("yes", /invite bob[^]*lobby \(open\)> /);
  assert.match(seen, /You are no member of dungeon any more/);
  assert.doesNotMatch(seen, /only admin|last member/);
  await alice.sees(/bob leaves[^]*removed bob/);
  await bob.type("/join dungeon", /no room dungeon/i);
  await bob.type("/leave dungeon", /You are not in a room "dungeon"/);
  await alice.type("/invite bob", /bob can read/);
  await bob.sees(/alice added you to the sealed room dungeon/);
  await alice.type("/leave", /Type yes/);
  await alice.type("yes", /You were its only admin[^]*lobby \(open\)> /);
});

Deno.test("/leave of the last member: nobody can read the room any more", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/leave dungeon", /Type yes/);
  await alice.type("yes", /You were its last member: nobody can read it now/);
});

Deno.test("what happened to the members while one looked elsewhere is shown when one looks", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  await using _carol = await Person.at(server, "carol");
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/invite bob", /nothing of before/);
  await bob.sees(/added you/);
  await alice.type("/invite carol", /nothing of before/);
  await alice.type("hello carol", /alice.*hello carol/);
  const before = await bob.sees(/lobby \(open\) \[dungeon 1\]> /);
  assert.doesNotMatch(before, /added carol|First contact/);
  await bob.type("/join dungeon", /alice added carol[^]*First contact with carol[^]*hello carol/);
});
