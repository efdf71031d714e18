/**
 * What people type about who rules over a sealed room, at terminals on a real server.
 *
 * @module
 */

import { Person, startForAll } from "./at_terminal.ts";

const DUNGEON = /dungeon \(sealed\)> /;

Deno.test("/admin makes an admin, who can /kick then; all are told, and /names and /security show it", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  await using carol = await Person.at(server, "carol");
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/invite bob carol", /bob and carol can read/);
  for (const one of [bob, carol]) await one.type("/join dungeon", DUNGEON);
  await bob.type("/admin bob", /Only the admins of dungeon can say who is an admin/);
  await alice.type("/admin @Bob", /alice made bob an admin[^]*Bob can put people out of dungeon/);
  await bob.sees(/alice made bob an admin/);
  await carol.sees(/alice made bob an admin/);
  await alice.type("/admin bob", /bob is an admin of dungeon already/);
  await carol.type("/names", /Members of dungeon: alice \(admin\), bob \(admin\), carol/);
  await carol.type("/security", /Admins, who alone can remove others:[^]*alice, bob\s/);
  await bob.type("/kick carol", /carol cannot read what is said from now on/);
  await alice.sees(/bob removed carol/);
});

Deno.test("/admin --remove takes it away, from oneself too, but not from the last one", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using bob = await Person.at(server, "bob");
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/invite bob", /nothing of before/);
  await bob.type("/join dungeon", DUNGEON);
  await alice.type("/admin --remove alice", /dungeon needs an admin[^]*\/admin NAME makes/);
  await alice.type("/admin --remove bob", /bob is no admin of dungeon\s+(?!any)/);
  await alice.type("/admin bob", /bob can put people out of dungeon now/);
  await bob.sees(/alice made bob an admin/);
  await bob.type("/admin --remove alice", /alice is no admin of dungeon any more/);
  await alice.sees(/bob took admin rights from alice/);
  await alice.type("/kick bob", /Only the admins of dungeon can remove people/);
});

Deno.test("/admin where there are no admins, of whom cannot be one, or of nobody: said so", async () => {
  await using server = await startForAll();
  await using alice = await Person.at(server, "alice");
  await using _bob = await Person.at(server, "bob");
  await alice.type("/admin bob", /lobby is an open room/);
  await alice.type("/dm bob", /@bob \(sealed\)> /);
  await alice.type("/admin bob", /@bob is for you two: nobody can put the other one out/);
  await alice.type("/room create dungeon", DUNGEON);
  await alice.type("/admin bob", /bob is not a member/);
  await alice.type("/admin no!body", /No account can have that name/);
  for (const line of ["/admin", "/admin --remove", "/admin bob carol"]) {
    await alice.type(line, /Use it so: \/admin \[--remove\] NAME/);
  }
});
