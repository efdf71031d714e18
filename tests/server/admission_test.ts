/**
 * Admission: the limits hold whatever comes, who has logged in stays, and a flood displaces itself.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Admission, type AdmissionOptions, type Admitted } from "../../lib/server/admission.ts";

/** Admits connections by name, and notes who was evicted. */
class Door {
  readonly admission: Admission;
  readonly evicted: string[] = [];

  constructor(options: Partial<AdmissionOptions>) {
    const wide = { maxConnections: 100, maxPerAddress: 100, maxUnauthenticated: 100 };
    this.admission = new Admission({ ...wide, ...options });
  }

  try(address: string, name: string): ReturnType<Admission["admit"]> {
    return this.admission.admit(address, () => void this.evicted.push(name));
  }

  admit(address: string, name = ""): Admitted {
    const place = this.try(address, name);
    assert.ok(!("refused" in place), `${name} was refused`);
    return place;
  }

  get counts(): [number, number] {
    return [this.admission.size, this.admission.unauthenticated];
  }
}

Deno.test("a place is taken until its connection leaves, a stranger's until it logs in", () => {
  const door = new Door({});
  const [one, two] = [door.admit("a"), door.admit("a")];
  assert.deepEqual(door.counts, [2, 2]);
  one.authenticated();
  one.authenticated();
  assert.deepEqual(door.counts, [2, 1]);
  two.leave();
  two.leave();
  two.authenticated();
  assert.deepEqual(door.counts, [1, 0]);
  one.leave();
  assert.deepEqual(door.counts, [0, 0]);
});

Deno.test("an address whose places are all taken by who logged in gets no more; others do", () => {
  const door = new Door({ maxPerAddress: 2 });
  const first = door.admit("a", "a1");
  first.authenticated();
  door.admit("a", "a2").authenticated();
  assert.deepEqual(door.try("a", "a3"), { refused: "address-full" });
  door.admit("b", "b1");
  first.leave();
  door.admit("a", "a4");
  assert.deepEqual(door.evicted, []);
});

Deno.test("an address that has all its places displaces its own oldest stranger, and no other's", () => {
  const door = new Door({ maxPerAddress: 3, maxUnauthenticated: 6 });
  for (const name of ["b1", "b2", "b3"]) door.admit("b", name);
  door.admit("a", "a1").authenticated();
  for (const name of ["a2", "a3", "a4", "a5"]) door.admit("a", name);
  assert.deepEqual(door.evicted, ["a2", "a3"]);
  assert.deepEqual(door.counts, [6, 5]);
});

Deno.test("a neighbour of a flood has a place until the flood has come with a whole address's worth", () => {
  const door = new Door({ maxPerAddress: 50 });
  const flood = (count: number): void => {
    for (let i = 0; i < count; i++) door.admit("nat", "flood");
  };
  flood(10_000);
  const neighbour = door.admit("nat", "neighbour");
  flood(49);
  neighbour.authenticated();
  flood(10_000);
  assert.deepEqual([...new Set(door.evicted)], ["flood"]);
  assert.deepEqual(door.counts, [50, 49]);
});

Deno.test("a newcomer evicts the oldest stranger of the address that has most of them", () => {
  const door = new Door({ maxUnauthenticated: 5 });
  door.admit("a", "a1");
  door.admit("b", "b1").authenticated();
  for (const name of ["b2", "b3", "b4"]) door.admit("b", name);
  door.admit("a", "a2");
  door.admit("c", "c1");
  assert.deepEqual(door.evicted, ["b2"]);
  assert.deepEqual(door.counts, [6, 5]);
});

Deno.test("among addresses with as many strangers, the newcomer's own gives way, then the oldest", () => {
  const door = new Door({ maxUnauthenticated: 3 });
  for (const address of ["a", "b", "c"]) door.admit(address, `${address}1`);
  door.admit("b", "b2");
  assert.deepEqual(door.evicted, ["b1"]);
  door.admit("d", "d1");
  assert.deepEqual(door.evicted, ["b1", "a1"]);
});

Deno.test("when all places are taken, strangers give way, and those who logged in do not", () => {
  const door = new Door({ maxConnections: 3 });
  door.admit("a", "a1").authenticated();
  const second = door.admit("a", "a2");
  door.admit("b", "b1").authenticated();
  door.admit("c", "c1").authenticated();
  assert.deepEqual(door.evicted, ["a2"]);
  second.authenticated(); // its login was on the way
  assert.deepEqual(door.try("d", "d1"), { refused: "server-full" });
  assert.deepEqual(door.counts, [3, 0]);
});

Deno.test("an evicted connection may leave from within its eviction, and has no place by then", () => {
  const admission = new Admission({ maxConnections: 9, maxPerAddress: 9, maxUnauthenticated: 1 });
  let seen: unknown;
  const first = admission.admit("a", () => {
    (first as Admitted).leave();
    seen = [admission.size, admission.unauthenticated];
  });
  admission.admit("b", () => {});
  assert.deepEqual(seen, [1, 1]);
  (first as Admitted).leave();
  assert.equal(admission.size, 1);
});

Deno.test("a flood from one address leaves a stranger from elsewhere all the time it needs", () => {
  const door = new Door({ maxUnauthenticated: 50, maxPerAddress: 50 });
  const flood = (): void => {
    for (let i = 0; i < 10_000; i++) door.try("flood", "flood");
  };
  flood();
  const stranger = door.admit("stranger", "stranger");
  flood();
  stranger.authenticated();
  flood();
  assert.deepEqual([...new Set(door.evicted)], ["flood"]);
  assert.equal(door.counts[0], 51);
});

Deno.test("a flood of a thousand addresses is displaced in turn, and a second stranger of one first", () => {
  const door = new Door({ maxUnauthenticated: 1_000, maxConnections: 2_000 });
  for (let i = 0; i < 1_500; i++) door.admit(`address-${i}`, `${i}`);
  assert.deepEqual(door.evicted, Array.from({ length: 500 }, (_, i) => `${i}`));
  door.admit("address-700", "twice");
  assert.equal(door.evicted.at(-1), "700");
});

interface Known {
  address: string;
  place: Admitted;
  authenticated: boolean;
}

type Step =
  | { do: "admit"; address: string }
  | { do: "authenticate" | "leave"; which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("admit"), address: fc.constantFrom(..."abcd") }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("authenticate"), which: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave"), which: fc.nat(99) }) },
);

/** The rules once more, as slowly and plainly as they can be said. */
class Model {
  readonly #options: AdmissionOptions;
  readonly #admission: Admission;
  /** Who is in, the oldest first. */
  #in: Known[] = [];
  /** Who ever was. */
  readonly #all: Known[] = [];
  #evicted: Known[] = [];

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#admission = new Admission(options);
  }

  run(step: Step): void {
    if (step.do === "admit") this.#admit(step.address);
    else this.#change(step.do, this.#all[step.which % Math.max(1, this.#all.length)]);
    this.#check();
  }

  #strangers(address?: string): Known[] {
    return this.#in.filter((one) =>
      !one.authenticated && (address === undefined || one.address === address)
    );
  }

  #isAddressFull(address: string): boolean {
    const own = this.#in.filter((one) => one.address === address);
    return own.length >= this.#options.maxPerAddress;
  }

  #isFull(address: string): boolean {
    const { maxConnections, maxUnauthenticated } = this.#options;
    return this.#isAddressFull(address) || this.#in.length >= maxConnections ||
      this.#strangers().length >= maxUnauthenticated;
  }

  #refusal(address: string): string | undefined {
    if (this.#isAddressFull(address)) {
      return this.#strangers(address).length === 0 ? "address-full" : undefined;
    }
    const full = this.#in.length >= this.#options.maxConnections;
    return full && this.#strangers().length === 0 ? "server-full" : undefined;
  }

  #admit(address: string): void {
    const refusal = this.#refusal(address);
    const evicts = refusal === undefined && this.#isFull(address);
    this.#evicted = [];
    const known = { address, authenticated: false } as Known;
    const place = this.#admission.admit(address, () => this.#evicted.push(known));
    assert.equal("refused" in place ? place.refused : undefined, refusal);
    assert.equal(this.#evicted.length, evicts ? 1 : 0);
    for (const gone of this.#evicted) this.#checkEviction(gone, address);
    if (!("refused" in place)) this.#all.push(Object.assign(known, { place }));
    if (refusal === undefined) this.#in.push(known);
  }

  #checkEviction(gone: Known, newcomer: string): void {
    assert.ok(this.#in.includes(gone) && !gone.authenticated);
    const own = this.#strangers(gone.address);
    assert.equal(gone, own[0], "not the oldest of its address");
    if (this.#isAddressFull(newcomer)) assert.equal(gone.address, newcomer);
    else this.#checkBusiest(own.length);
    this.#in = this.#in.filter((one) => one !== gone);
  }

  #checkBusiest(strangers: number): void {
    for (const { address } of this.#in) {
      assert.ok(this.#strangers(address).length <= strangers, "not of the busiest address");
    }
  }

  /** Of anyone who ever was in: for those who left or were evicted, it must change nothing. */
  #change(what: "authenticate" | "leave", known: Known | undefined): void {
    if (known === undefined) return;
    if (what === "leave") {
      known.place.leave();
      this.#in = this.#in.filter((one) => one !== known);
    } else {
      known.place.authenticated();
      if (this.#in.includes(known)) known.authenticated = true;
    }
  }

  #check(): void {
    const { maxConnections, maxPerAddress, maxUnauthenticated } = this.#options;
    const { size, unauthenticated } = this.#admission;
    assert.deepEqual([size, unauthenticated], [this.#in.length, this.#strangers().length]);
    assert.ok(size <= maxConnections && unauthenticated <= maxUnauthenticated);
    for (const address of "abcd") {
      const own = this.#in.filter((one) => one.address === address);
      assert.ok(own.length <= maxPerAddress);
    }
  }
}

Deno.test("whatever connections do, admission does what the plain rules say", () => {
  const limit = fc.integer({ min: 1, max: 8 });
  const limits = fc.record({
    maxConnections: limit,
    maxPerAddress: limit,
    maxUnauthenticated: limit,
  });
  const steps = fc.array(step, { maxLength: 100, size: "max" });
  fc.assert(fc.property(limits, steps, (options, steps) => {
    const model = new Model(options);
    for (const one of steps) model.run(one);
  }));
});
