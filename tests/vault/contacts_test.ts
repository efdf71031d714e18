/**
 * Pins: which key of a person is new, known or changed, and what people do about it.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { CallerError, EnvironmentError } from "../../lib/errors.ts";
import { Contacts, MAX_CONTACTS } from "../../lib/vault/contacts.ts";
import { assertThrows } from "../attacks/server.ts";

const [FIRST, SECOND, THIRD] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const NOW = Date.UTC(2026, 0, 1);
const LATER = NOW + 1000;
const [SINCE, SINCE_LATER] = [NOW, LATER].map((time) => new Date(time).toISOString());

/** One who has met Bob. */
function metBob(): Contacts {
  const contacts = new Contacts();
  contacts.meet("Bob", FIRST, NOW);
  return contacts;
}

/** The same after another key under Bob's name. */
function withChangedBob(): Contacts {
  const contacts = metBob();
  contacts.verify("bob");
  contacts.meet("bob", SECOND, LATER);
  return contacts;
}

Deno.test("the first key is new and pinned, unverified; the same key is known then", () => {
  const contacts = new Contacts();
  assert.equal(contacts.find("bob"), undefined);
  assert.equal(contacts.meet("Bob", FIRST, NOW), "new");
  assert.deepEqual(contacts.find("bob"), {
    ...{ name: "Bob", key: FIRST, since: SINCE, verified: false },
  });
  assert.equal(contacts.meet("Bob", FIRST, LATER), "known");
  assert.equal(contacts.find("bob")?.since, SINCE);
});

Deno.test("names are the same in any case", () => {
  const contacts = metBob();
  assert.equal(contacts.meet("BOB", FIRST, LATER), "known");
  assert.equal(contacts.meet("bOb", SECOND, LATER), "changed");
  assert.equal(contacts.find("BoB")?.name, "Bob");
  assert.equal(contacts.size, 1);
});

Deno.test("names such as constructor, toString and 42 are people like others", () => {
  const contacts = new Contacts();
  for (const name of ["constructor", "toString", "42", "hasOwnProperty"]) {
    assert.equal(contacts.find(name), undefined);
    assert.equal(contacts.meet(name, FIRST, NOW), "new");
    assert.equal(contacts.meet(name, SECOND, NOW), "changed");
  }
});

Deno.test("another key is changed each time, beside the pinned one, which stays known and verified", () => {
  const contacts = withChangedBob();
  assert.equal(contacts.meet("bob", SECOND, LATER + 1), "changed");
  assert.equal(contacts.meet("bob", FIRST, LATER + 2), "known");
  assert.deepEqual(contacts.find("bob"), {
    ...{ name: "Bob", key: FIRST, since: SINCE, verified: true },
    changed: { key: SECOND, since: SINCE_LATER },
  });
});

Deno.test("of several changed keys the newest is kept", () => {
  const contacts = withChangedBob();
  assert.equal(contacts.meet("bob", THIRD, LATER), "changed");
  assert.deepEqual(contacts.find("bob")?.changed?.key, THIRD);
});

Deno.test("acknowledge() takes the changed key, and nobody has verified that", () => {
  const contacts = withChangedBob();
  assert.equal(contacts.acknowledge("BOB"), true);
  assert.deepEqual(contacts.find("bob"), {
    ...{ name: "Bob", key: SECOND, since: SINCE_LATER, verified: false, former: [FIRST] },
  });
  assert.equal(contacts.meet("bob", SECOND, LATER), "known");
  assert.equal(contacts.meet("bob", FIRST, LATER), "changed"); // the old one is no better than any
});

Deno.test("a key of before is no news in a room; where it is said to be the one of now, it is", () => {
  const contacts = withChangedBob();
  contacts.acknowledge("bob");
  const { unsaved } = contacts;
  assert.equal(contacts.see("bob", FIRST, LATER), "former");
  assert.equal(contacts.unsaved, unsaved);
  assert.equal(contacts.find("bob")?.changed, undefined);
  assert.equal(contacts.see("bob", THIRD, LATER), "changed");
  assert.equal(contacts.see("carol", FIRST, LATER), "new");
  assert.equal(contacts.meet("bob", FIRST, LATER), "changed");
  assert.equal(contacts.see("bob", FIRST, LATER), "changed", "until somebody has looked at it");
  contacts.acknowledge("bob");
  assert.equal(contacts.see("bob", FIRST, LATER), "known");
  assert.deepEqual(contacts.find("bob")?.former, [SECOND]);
});

Deno.test("of keys of before the newest four are kept, in other sessions too", () => {
  const contacts = metBob();
  for (const byte of [2, 3, 4, 5, 6]) {
    contacts.meet("bob", new Uint8Array(32).fill(byte), LATER);
    contacts.acknowledge("bob");
  }
  for (const one of [contacts, contacts.rebase(metBob())]) {
    assert.deepEqual(one.find("bob")?.former?.map(([byte]) => byte), [2, 3, 4, 5]);
  }
});

Deno.test("acknowledge() of what has not changed does nothing", () => {
  const contacts = metBob();
  contacts.verify("bob");
  assert.equal(contacts.acknowledge("bob"), false);
  assert.equal(contacts.find("bob")?.verified, true);
});

Deno.test("verify() refuses a key that has changed, until that is acknowledged", () => {
  const contacts = metBob();
  contacts.meet("bob", SECOND, LATER);
  assertThrows(() => contacts.verify("bob"), CallerError, "contact-changed");
  assert.equal(contacts.find("bob")?.verified, false);
  contacts.acknowledge("bob");
  contacts.verify("bob");
  assert.equal(contacts.find("bob")?.verified, true);
});

Deno.test("nobody can verify or acknowledge who was never met", () => {
  assertThrows(() => metBob().verify("carol"), CallerError, "contact-unknown");
  assertThrows(() => metBob().acknowledge("carol"), CallerError, "contact-unknown");
});

Deno.test("when full, new people are refused, and nobody's pin is given up", () => {
  const contacts = new Contacts();
  for (let at = 0; at < MAX_CONTACTS; at++) {
    assert.equal(contacts.meet(`user${at}`, FIRST, NOW), "new");
  }
  assertThrows(() => contacts.meet("bob", FIRST, NOW), EnvironmentError, "contacts-full");
  assert.equal(contacts.size, MAX_CONTACTS);
  assert.equal(contacts.meet("user0", FIRST, NOW), "known");
  assert.equal(contacts.meet("user0", SECOND, NOW), "changed");
});

Deno.test("what changes nothing is not to be saved", () => {
  const contacts = withChangedBob();
  assert.equal(contacts.unsaved, 3);
  contacts.meet("bob", FIRST, NOW);
  contacts.meet("bob", SECOND, NOW);
  assert.equal(contacts.unsaved, 3);
  contacts.acknowledge("bob");
  contacts.verify("bob");
  contacts.verify("bob");
  contacts.acknowledge("bob");
  assert.equal(contacts.unsaved, 5);
});

Deno.test("saved(): what came while it was stored is still to be saved", () => {
  const contacts = metBob();
  const stored = contacts.unsaved;
  contacts.meet("carol", FIRST, NOW);
  contacts.saved(stored);
  assert.equal(contacts.unsaved, 1);
  const rebased = contacts.rebase(new Contacts());
  assert.deepEqual([...rebased].map(({ name }) => name), ["carol"]);
});

/** What this session made of what both began with, on what the other made of it. */
function merge(change: (mine: Contacts) => void, other: (theirs: Contacts) => void): Contacts {
  const [mine, theirs] = [metBob(), metBob()];
  mine.saved(mine.unsaved);
  change(mine);
  other(theirs);
  return mine.rebase(new Contacts(theirs));
}

Deno.test("rebase(): two sessions' changes come together", () => {
  const both = merge((mine) => mine.meet("carol", FIRST, NOW), (theirs) => theirs.verify("bob"));
  assert.deepEqual([...both].map(({ name, verified }) => [name, verified]), [
    ["Bob", true],
    ["carol", false],
  ]);
  assert.equal(both.unsaved, 1);
});

Deno.test("rebase(): a person who showed two sessions two keys has changed", () => {
  const both = merge(
    (mine) => mine.meet("carol", FIRST, NOW),
    (theirs) => theirs.meet("carol", SECOND, NOW),
  );
  assert.deepEqual(both.find("carol")?.key, SECOND);
  assert.deepEqual(both.find("carol")?.changed?.key, FIRST);
});

Deno.test("rebase(): what was verified here does not count for another key", () => {
  const acknowledged = merge((mine) => mine.verify("bob"), (theirs) => {
    theirs.meet("bob", SECOND, LATER);
    theirs.acknowledge("bob");
  });
  assert.equal(acknowledged.find("bob")?.verified, false);
  const changed = merge(
    (mine) => mine.verify("bob"),
    (theirs) => theirs.meet("bob", SECOND, LATER),
  );
  assert.equal(changed.find("bob")?.verified, false);
  assert.deepEqual(changed.find("bob")?.changed?.key, SECOND);
});

Deno.test("rebase(): what was acknowledged here does not count for a third key", () => {
  const change = (mine: Contacts): void => {
    mine.meet("bob", SECOND, LATER);
    mine.acknowledge("bob");
    mine.verify("bob");
  };
  const alone = merge(change, () => {});
  assert.deepEqual(alone.find("bob")?.key, SECOND);
  assert.equal(alone.find("bob")?.verified, true);
  const third = merge(change, (theirs) => {
    theirs.meet("bob", THIRD, LATER);
    theirs.acknowledge("bob");
  });
  assert.deepEqual(third.find("bob")?.key, THIRD);
  assert.deepEqual(third.find("bob")?.changed?.key, SECOND);
});

/** What people and servers do to Bob's pin, the impossible left out. */
function act(contacts: Contacts, all: Step[]): void {
  for (const [act, key] of all) {
    if (act === "meet") contacts.meet("bob", new Uint8Array(32).fill(key!), NOW);
    else if (act === "acknowledge") contacts.acknowledge("bob");
    else if (contacts.find("bob")?.changed === undefined) contacts.verify("bob");
  }
}

type Step = ["meet", number] | ["verify"] | ["acknowledge"];
const steps: fc.Arbitrary<Step[]> = fc.array(fc.oneof(
  fc.integer({ min: 1, max: 3 }).map((key): Step => ["meet", key]),
  fc.constant<Step>(["verify"]),
  fc.constant<Step>(["acknowledge"]),
));

Deno.test("whatever happens: only acknowledge() changes a pin, and only to the changed key", () => {
  fc.assert(fc.property(steps, (all) => {
    const contacts = metBob();
    for (const step of all) {
      const before = contacts.find("bob")!;
      act(contacts, [step]);
      const after = contacts.find("bob")!;
      if (step[0] !== "acknowledge") assert.deepEqual(after.key, before.key);
      else assert.deepEqual(after.key, before.changed?.key ?? before.key);
      if (after.verified && !before.verified) assert.equal(step[0], "verify");
    }
  }));
});

Deno.test("rebase(): a verified key is one that somebody verified, and a pin that moved was acknowledged", () => {
  fc.assert(fc.property(steps, steps, (mine, theirs) => {
    const merged = merge((contacts) => act(contacts, mine), (contacts) => act(contacts, theirs));
    const [here, there] = [mine, theirs].map((all) => {
      const contacts = metBob();
      act(contacts, all);
      return contacts.find("bob")!;
    });
    const { key, verified } = merged.find("bob")!;
    const pins = [here, there].map((contact) => contact!.key[0]);
    assert.ok(pins.includes(key[0]!) || key[0] === 1);
    const all = [...mine, ...theirs].map(([act]) => act);
    if (verified) assert.ok(all.includes("verify"));
    if (key[0] !== 1) assert.ok(all.includes("acknowledge"));
  }));
});

Deno.test("rebase() onto what was there before gives the same", () => {
  fc.assert(fc.property(steps, (all) => {
    const mine = metBob();
    mine.saved(mine.unsaved);
    act(mine, all);
    assert.deepEqual([...mine.rebase(metBob())], [...mine]);
  }));
});
