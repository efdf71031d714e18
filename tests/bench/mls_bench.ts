/**
 * What groups of devices cost, at 2, 30 and 200 members: the time of each step, and the bytes of
 * what it makes. One run of each, since each comes once in a group's life.
 *
 *     deno run -A tests/bench/mls_bench.ts
 *
 * @module
 */

import { Group, type NewCommit } from "../../lib/mls/group.ts";
import { type Device, device, devices, policyOf } from "../mls/people.ts";
import { printRow } from "./table.ts";

const SIZES = [2, 30, 200];

/** Each step's time and bytes, by the step's name, in the order of the steps. */
type Results = Map<string, string>;

/** Runs the steps of one group and notes what they cost. */
class Run {
  readonly results: Results = new Map();

  async time<T>(name: string, step: () => T | Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await step();
    this.results.set(name, `${(performance.now() - start).toFixed(1)} ms`);
    return value;
  }

  bytes(name: string, bytes: Uint8Array | undefined): void {
    this.results.set(name, `${((bytes?.length ?? 0) / 1024).toFixed(1)} KiB`);
  }

  /** A commit by one member, and the group after it as another one has it. */
  async commit(name: string, by: Group, other: Group, plan: object): Promise<[NewCommit, Group]> {
    const made = await this.time(name, () => by.commit(plan));
    this.bytes(`  its commit`.padEnd(20) + name, made.commit);
    const followed = await this.time(`  follow it`.padEnd(20) + name, () => {
      return other.process(made.commit);
    });
    return [made, followed.next];
  }
}

async function measure(members: number): Promise<Results> {
  const run = new Run();
  const names = Array.from({ length: members }, (_, at) => `user${at}`);
  const [first, ...others] = await devices(...names) as [Device, ...Device[]];
  const last = others.at(-1) as Device;
  const group = await run.time("create", () => Group.create(first.keys, policyOf(first)));
  const add = others.map((one) => one.package);
  const all = await run.time("add all the others", () => group.commit({ add }));
  run.bytes("  its commit", all.commit);
  run.bytes("  its welcome", all.welcome);
  const welcome = all.welcome as Uint8Array;
  const joined = await run.time("join", () => Group.join(last.keys, welcome, [last.own]));
  await measureChanges(run, all.next, joined.group);
  return run.results;
}

async function measureChanges(run: Run, mine: Group, theirs: Group): Promise<void> {
  const newcomer = await device("newcomer");
  const add = [newcomer.package];
  const [added, followed] = await run.commit("add one", mine, theirs, { add });
  run.bytes("  its welcome".padEnd(20) + "add one", added.welcome);
  const [first, second] = await run.commit("first new keys", added.next, followed, {});
  const [third, fourth] = await run.commit("new keys by another", second, first.next, {});
  const removeLeaves = [added.next.members.length - 1];
  const [removed] = await run.commit("remove one", fourth, third.next, { removeLeaves });
  const state = await run.time("encode", () => removed.next.encode());
  run.bytes("  the state", state);
  await run.time("decode", () => Group.decode(state));
  await run.time("epoch key", () => removed.next.epochKey());
}

printRow("devices", SIZES.map(String), 14);
await measure(3); // the compilers of V8 settle
const all: Results[] = [];
for (const size of SIZES) all.push(await measure(size));
for (const name of all[0]?.keys() ?? []) {
  printRow(name, all.map((results) => results.get(name) ?? ""), 14);
}
