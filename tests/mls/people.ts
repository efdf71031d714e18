/**
 * Accounts, devices and groups for the tests of MLS.
 *
 * @module
 */

import assert from "node:assert/strict";
import { FernchatError } from "../../lib/errors.ts";
import { createDeviceKeys, type DeviceKeys } from "../../lib/mls/device_keys.ts";
import { type CommitPlan, Group, type NewCommit, type RoomPolicy } from "../../lib/mls/group.ts";
import { createIdentity, type IdentityKey } from "../../lib/mls/identity.ts";
import {
  createKeyPackage,
  type ForeignKeyPackage,
  type OwnKeyPackage,
  readKeyPackage,
} from "../../lib/mls/key_package.ts";

/** A device with a key package that it has published. */
export interface Device {
  identity: IdentityKey;
  keys: DeviceKeys;
  own: OwnKeyPackage;
  package: ForeignKeyPackage;
}

/** A device of an account, which is new if no identity is given. */
export async function device(
  user: string,
  number = 1,
  identity: IdentityKey = createIdentity(),
): Promise<Device> {
  const keys = await createDeviceKeys(identity, user, number);
  const own = await createKeyPackage(keys);
  return { identity, keys, own, package: await readKeyPackage(own.public) };
}

/** One device of each of these accounts. */
export async function devices<const N extends readonly string[]>(
  ...users: N
): Promise<{ -readonly [At in keyof N]: Device }> {
  return await Promise.all(users.map((user) => device(user))) as { [At in keyof N]: Device };
}

/** The policy of an ordinary room with these admins. */
export function policyOf(...admins: Device[]): RoomPolicy {
  return { room: "ops", kind: "room", admins: admins.map(({ identity }) => identity.publicKey) };
}

/** A room of these devices, the first one's; each has its own view of the group. */
export async function room<const D extends readonly Device[]>(
  ...all: D
): Promise<{ -readonly [At in keyof D]: Group }> {
  const [first, ...others] = all;
  assert.ok(first !== undefined);
  const group = await Group.create(first.keys, policyOf(first));
  return await groupsOf(group, others) as { [At in keyof D]: Group };
}

async function groupsOf(group: Group, others: readonly Device[]): Promise<Group[]> {
  if (others.length === 0) return [group];
  const made = await group.commit({ add: others.map((other) => other.package) });
  return [made.next, ...await Promise.all(others.map((other) => join(other, made)))];
}

/** Joins by a commit's welcome. */
export async function join(who: Device, { welcome }: NewCommit): Promise<Group> {
  assert.ok(welcome !== undefined, "the commit has no welcome");
  return (await Group.join(who.keys, welcome, [who.own])).group;
}

/** One member commits, all others follow. Their groups are replaced; whoever is removed stays so. */
export async function commit(
  groups: Group[],
  by: number,
  plan: CommitPlan,
  leaving?: ReadonlySet<string>,
): Promise<NewCommit> {
  const made = await (groups[by] as Group).commit(plan, leaving);
  const after = await Promise.all(groups.map(async (group, at) => {
    if (at === by) return made.next;
    return group.isActive ? (await group.process(made.commit, leaving)).next : group;
  }));
  groups.splice(0, groups.length, ...after);
  return made;
}

/** A group's key in hex. */
export async function keyOf(group: Group): Promise<string> {
  return hex(await group.epochKey());
}

/** Bytes as hex digits. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of hex digits. */
export function unhex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Asserts that something fails with this code. */
export async function assertFails(code: string, run: () => unknown): Promise<FernchatError> {
  let failure: unknown;
  await assert.rejects(async () => await run(), (error: unknown) => {
    failure = error;
    return true;
  });
  assert.ok(failure instanceof FernchatError, String(failure));
  assert.equal(failure.code, code, failure.message);
  return failure;
}
