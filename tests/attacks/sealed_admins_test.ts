/**
 * A member who wants to rule over a sealed room, and a server that helps: who is an admin is what the
 * members' clients have agreed on, and no commit but an admin's changes that.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Proposal } from "ts-mls";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import type { Member, RoomPolicy } from "../../lib/mls/group.ts";
import { generate } from "../../lib/mls/key_package.ts";
import { policyExtension } from "../../lib/mls/state.ts";
import { adding, libraryCommit, stateOf } from "../mls/insider.ts";
import { device } from "../mls/people.ts";
import type { Ear } from "./sealed_ear.ts";
import { Insider } from "./sealed_insider.ts";
import { Liar } from "./sealed_liar.ts";
import { Fork, meet, ROOM } from "./sealed_tricks.ts";
import { assertFails } from "./server.ts";

const NAMES = ["alice", "bob", "mallory"];

async function adminsFor({ chat }: Ear): Promise<string[]> {
  const { members } = await chat.sealed.security(ROOM);
  return members.filter(({ isAdmin }) => isAdmin).map(({ user }) => user);
}

/** A commit by a client of one's own, which knows no rules. */
async function ruling(
  { group }: Insider,
  admins: RoomPolicy["admins"],
  ...others: readonly Proposal[]
): Promise<Uint8Array> {
  const extensions = [policyExtension({ ...group.policy, admins })];
  const proposal = { proposalType: "group_context_extensions" } as const;
  const change = { ...proposal, groupContextExtensions: { extensions } };
  return await libraryCommit(stateOf(group), [change, ...others]);
}

function memberIn({ group }: Insider, name: string): Member {
  return group.members.find(({ user }) => user === name)!;
}

/** A commit that somebody spreads. */
interface Forgery {
  by: string;
  code: string;
  make(by: Insider): Promise<Uint8Array>;
}

const [by, code] = ["mallory", "mls-refused"];

const FORGERIES: { readonly [what: string]: Forgery } = {
  "a plain member's, which makes it an admin, too": {
    ...{ by, code },
    make: (by) => ruling(by, [...by.group.policy.admins, by.keys.identity]),
  },
  "a plain member's, which makes it the only admin": {
    ...{ by, code },
    make: (by) => ruling(by, [by.keys.identity]),
  },
  "a plain member's, which makes a friend an admin": {
    ...{ by, code },
    make: (by) => ruling(by, [memberIn(by, "bob").identity, ...by.group.policy.admins]),
  },
  "a plain member's, which leaves the rules as they are": {
    ...{ by, code },
    make: (by) => ruling(by, by.group.policy.admins),
  },
  "a plain member's, which makes it an admin and does more at once": {
    ...{ by, code },
    make: async (by) => {
      const { publicPackage } = await generate((await device("eve")).keys);
      return await ruling(by, [by.keys.identity], adding(publicPackage));
    },
  },
  "an admin's, which makes one an admin who is not there": {
    ...{ by: "alice", code },
    make: (by) => ruling(by, [by.keys.identity, by.keys.identity.map((byte) => byte ^ 1)]),
  },
};

for (const [what, { by: name, code, make }] of Object.entries(FORGERIES)) {
  Deno.test(`${what}: refused by every client, and the admins are who they were`, async () => {
    await using liar = await Liar.start(...NAMES);
    const ears = await meet(liar, ...NAMES);
    await ears.find(({ chat }) => chat.user === name)?.chat.close(); // saves its state
    const by = await Insider.in(liar, name);
    const commit = await make(by);
    const others = ears.filter(({ chat }) => chat.user !== name);
    for (const ear of others) {
      const { head } = await ear.chat.sealed.security(ROOM);
      const fork = new Fork(head);
      const messages = by.commits(commit, head).map((message) => fork.next(message));
      liar.wire(ear.chat.user).say(...messages);
      await ear.fails(code);
      assert.deepEqual(await adminsFor(ear), ["alice"]);
      assert.equal((await ear.chat.sealed.security(ROOM)).epoch, 1);
    }
  });
}

Deno.test("a server that makes a member an admin in its database: no client believes it, nor its own", async () => {
  await using liar = await Liar.start(...NAMES);
  const [alice, bob, mallory] = await meet(liar, ...NAMES) as [Ear, Ear, Ear];
  liar.sql("UPDATE sealed_members SET admin = 1 WHERE account = 'mallory'");
  const { sealed } = mallory.chat;
  await assertFails(sealed.remove(ROOM, ["bob"]), CallerError, "not-admin");
  await assertFails(sealed.promote(ROOM, ["mallory"]), CallerError, "not-admin");
  liar.wire("mallory").cut();
  await mallory.hears("reconnected", ({ room }) => room === ROOM);
  await assertFails(sealed.remove(ROOM, ["bob"]), CallerError, "not-admin");
  await alice.chat.sealed.rekey(ROOM);
  for (const ear of [alice, bob, mallory]) {
    await ear.hears("members", ({ by, epoch }) => by === "alice" && epoch === 2);
    assert.deepEqual(await adminsFor(ear), ["alice"]);
    assert.deepEqual(ear.errors, []);
  }
});

Deno.test("a server that takes an admin's rights in its database: it only refuses service", async () => {
  await using liar = await Liar.start(...NAMES);
  const [alice, bob] = await meet(liar, ...NAMES) as [Ear, Ear];
  liar.sql("UPDATE sealed_members SET admin = 0 WHERE account = 'alice'");
  const { sealed } = alice.chat;
  await assertFails(sealed.remove(ROOM, ["mallory"]), EnvironmentError, "not-admin");
  await assertFails(sealed.promote(ROOM, ["bob"]), EnvironmentError, "not-admin");
  await alice.chat.send("it does not let me", { room: ROOM });
  await bob.reads("it does not let me");
  for (const ear of [alice, bob]) assert.deepEqual(await adminsFor(ear), ["alice"]);
});

Deno.test("what somebody does with the state in which it was an admin, when it is none any more: refused", async () => {
  await using liar = await Liar.start(...NAMES);
  const [alice, bob, mallory] = await meet(liar, ...NAMES) as [Ear, Ear, Ear];
  await alice.chat.sealed.promote(ROOM, ["mallory"]);
  await mallory.hears("members", ({ promoted }) => promoted.includes("mallory"));
  await mallory.chat.close(); // saves that
  const by = await Insider.in(liar, "mallory");
  const { head } = await alice.chat.sealed.security(ROOM);
  await alice.chat.sealed.demote(ROOM, ["mallory"]);
  await bob.hears("members", ({ demoted }) => demoted.includes("mallory"));
  const late = await by.group.commit({ removeLeaves: [memberIn(by, "bob").leaf] });
  const fork = new Fork((await bob.chat.sealed.security(ROOM)).head);
  liar.wire("bob").say(...by.commits(late.commit, head).map((message) => fork.next(message)));
  await bob.fails("token-invalid");
  assert.deepEqual(await adminsFor(bob), ["alice"]);
  assert.equal((await bob.chat.sealed.security(ROOM)).members.length, 3);
});
