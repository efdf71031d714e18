/**
 * A malicious server that wants somebody in a sealed room who was not let in, alone or with a
 * member's help: who is there is read from commits alone, and each of those is named by its maker.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  createGroupInfoWithExternalPubAndRatchetTree,
  encodeMlsMessage,
  joinGroupExternal,
} from "ts-mls";
import { CallerError } from "../../lib/errors.ts";
import { Group } from "../../lib/mls/group.ts";
import { generate } from "../../lib/mls/key_package.ts";
import { CLIENT_CONFIG, loadSuite } from "../../lib/mls/suite.ts";
import { adding, libraryCommit, removing, stateOf } from "../mls/insider.ts";
import { device } from "../mls/people.ts";
import type { Ear } from "./sealed_ear.ts";
import { Insider } from "./sealed_insider.ts";
import { Liar } from "./sealed_liar.ts";
import { answer, Fork, meet, ROOM } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

async function namesIn({ chat }: Ear): Promise<string[]> {
  return (await chat.sealed.security(ROOM)).members.map(({ user }) => user);
}

/** Commits that mallory, a plain member, spreads; and how the others' clients answer. */
const COMMITS: { readonly [what: string]: [string, (mallory: Insider) => Promise<Uint8Array>] } = {
  "that removes bob": ["mls-refused", ({ group }) => {
    const bob = group.members.find(({ user }) => user === "bob")!;
    return libraryCommit(stateOf(group), [removing(bob.leaf)]);
  }],
  "that adds a device of mallory's under bob's name": ["mls-refused", async ({ group }) => {
    const { keys } = await device("bob", 2);
    return await libraryCommit(stateOf(group), [adding((await generate(keys)).publicPackage)]);
  }],
  "of another group of the same room": ["mls-invalid", async ({ keys }) => {
    const admins = [keys.identity];
    const other = await Group.create(keys, { room: ROOM, kind: "room", admins });
    const eve = await device("eve");
    return (await other.commit({ add: [eve.package] })).commit;
  }],
  "from outside": ["mls-refused", async ({ group }) => {
    const suite = await loadSuite();
    const info = await createGroupInfoWithExternalPubAndRatchetTree(stateOf(group), [], suite);
    const { publicPackage, privatePackage } = await generate((await device("eve")).keys);
    const { publicMessage } = await joinGroupExternal(
      ...[info, publicPackage, privatePackage, false, suite] as const,
      ...[undefined, CLIENT_CONFIG] as const,
    );
    return encodeMlsMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage });
  }],
};

for (const [what, [code, make]] of Object.entries(COMMITS)) {
  Deno.test(`a commit ${what}: refused, and nobody comes or goes`, async () => {
    await using liar = await Liar.start("alice", "bob", "mallory");
    const [alice] = await meet(liar, "alice", "bob", "mallory");
    const mallory = await Insider.in(liar, "mallory");
    const { head } = await alice.chat.sealed.security(ROOM);
    const commit = mallory.commits(await make(mallory), head);
    const fork = new Fork(head);
    liar.wire("alice").say(...commit.map((message) => fork.next(message)));
    await alice.fails(code);
    assert.deepEqual(await namesIn(alice), ["alice", "bob", "mallory"]);
  });
}

Deno.test("a commit that a member signed and another announces: refused", async () => {
  await using liar = await Liar.start("alice", "bob", "mallory");
  const [alice] = await meet(liar, "alice", "bob", "mallory");
  const [bob, mallory] = [await Insider.in(liar, "bob"), await Insider.in(liar, "mallory")];
  const { head } = await alice.chat.sealed.security(ROOM);
  const { commit } = await mallory.group.commit({});
  const fork = new Fork(head);
  liar.wire("alice").say(...bob.commits(commit, head).map((message) => fork.next(message)));
  await alice.fails("room-inconsistent");
});

Deno.test("a member who puts a self-made bob in bob's place: all who knew bob are warned, and bob is told who did it", async () => {
  await using liar = await Liar.start("alice", "bob", "mallory");
  const [alice, bob] = await meet(liar, "alice", "bob", "mallory");
  const direct = await alice.chat.sealed.direct("bob");
  const mallory = await Insider.in(liar, "mallory");
  const { leaf } = mallory.group.members.find(({ user }) => user === "bob")!;
  const rogue = await device("bob");
  const made = await mallory.group.commit({ add: [rogue.package], removeLeaves: [leaf] });
  const { head } = await alice.chat.sealed.security(ROOM);
  for (const user of ["alice", "bob"]) {
    const fork = new Fork(head);
    const messages = mallory.commits(made.commit, head);
    liar.wire(user).say(...messages.map((message) => fork.next(message)));
  }
  const { message } = await alice.hears("members", ({ by }) => by === "mallory");
  assert.equal(message, "mallory changed the devices of bob");
  const warning = await alice.hears("identity");
  assert.deepEqual([warning.user, warning.room], ["bob", ROOM]);
  const { members } = await alice.chat.sealed.security(ROOM);
  assert.equal(members.find(({ user }) => user === "bob")!.trust, "changed");
  await assertFails(
    alice.chat.send("psst", { room: direct }),
    CallerError,
    "identity-changed",
  );
  const told = await bob.hears("members", ({ room }) => room === ROOM);
  assert.deepEqual([told.by, told.removed], ["mallory", ["bob"]]);
});

Deno.test("a server that makes eve a member in its database: she gets no key, and nobody is shown her", async () => {
  await using liar = await Liar.start("alice", "eve");
  const [alice] = await meet(liar, "alice");
  liar.sql(
    "INSERT INTO sealed_members (room, account, since, maker, admin) VALUES (?, 'eve', 0, 1, 1)",
    ROOM,
  );
  const eve = await liar.enter("eve");
  await eve.fails("no-keys");
  await alice.chat.send("secret", { room: ROOM });
  assert.deepEqual(await namesIn(alice), ["alice"]);
  assert.deepEqual([eve.texts, eve.chat.rooms.map(({ room }) => room)], [[], ["lobby"]]);
});

Deno.test("who is said to have added somebody, and who is said to be there: not shown", async () => {
  await using liar = await Liar.start("alice", "bob");
  const [alice] = await meet(liar, "alice", "bob");
  answer(liar, "alice", "names", () => ({
    result: { is: "names", room: ROOM, names: [{ user: "eve", role: "member" }], more: 0 },
  }));
  liar.wire("alice").say({ type: "added", room: "den", by: "bob" });
  liar.wire("alice").say({ type: "added", room: ROOM, by: "eve" });
  assert.equal((await alice.fails("room-unknown")).room, "den");
  assert.deepEqual(await namesIn(alice), ["alice", "bob"]);
  assert.ok(!alice.brief.includes("notice invited"));
});
