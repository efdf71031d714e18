/**
 * A room's group of devices (RFC 9420) and its keys. A value: each commit gives another, and the old
 * one stays usable.
 *
 * @module
 */

import { createGroup, mlsExporter } from "ts-mls";
import { randomBytes } from "node:crypto";
import { CallerError } from "../errors.ts";
import { sameBytes } from "../same_bytes.ts";
import { type CommitPlan, makeCommit } from "./commit_create.ts";
import { decodeCommit } from "./commit_message.ts";
import { processCommit } from "./commit_process.ts";
import type { Effect, Member } from "./commit_rules.ts";
import type { DeviceKeys } from "./device_keys.ts";
import { invalid, orInvalid } from "./faults.ts";
import { generate, type OwnKeyPackage } from "./key_package.ts";
import { changeBy, type MembershipChange } from "./membership_change.ts";
import { isAdmin, mayBeIn, type RoomPolicy } from "./room_policy.ts";
import {
  type ClientState,
  decodeState,
  encodeState,
  membersOf,
  policyExtension,
  readPolicy,
  trim,
} from "./state.ts";
import { CLIENT_CONFIG, loadSuite } from "./suite.ts";
import { openWelcome } from "./welcome.ts";

export type { CommitPlan } from "./commit_create.ts";
export type { Member } from "./commit_rules.ts";
export type { MembershipChange } from "./membership_change.ts";
export type { RoomPolicy } from "./room_policy.ts";

/** A commit for the others, and the group as it is once the server has taken it. */
export interface NewCommit {
  /** An MLSMessage with a PublicMessage. */
  readonly commit: Uint8Array;
  /** For those that were added: an MLSMessage with a Welcome. */
  readonly welcome?: Uint8Array;
  readonly next: Group;
  readonly change: MembershipChange;
}

const GROUP_ID_BYTES = 32;
const KEY_LABEL = "fernchat fernet v1";
const KEY_BYTES = 32;
const NOBODY: ReadonlySet<string> = new Set();

/** A group at one epoch, as one of its devices sees it. */
export class Group {
  /** How often the group has changed: 0 when it was made. */
  readonly epoch: number;
  /** The room, and who rules over it. */
  readonly policy: RoomPolicy;
  /** All devices, this one included, by leaf. After a removal: as they were before it. */
  readonly members: readonly Member[];
  /** This device. */
  readonly own: Member;
  /** Whether this device is in the group: false once it has been removed. */
  readonly isActive: boolean;
  readonly #state: ClientState;

  private constructor(state: ClientState) {
    const { groupContext: { epoch, extensions }, privatePath, groupActiveState } = state;
    if (epoch > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid("A group's epoch is not credible");
    this.#state = state;
    this.epoch = Number(epoch);
    this.policy = readPolicy(extensions);
    this.members = membersOf(state);
    this.own = memberAt(this.members, privatePath.leafIndex);
    this.isActive = groupActiveState.kind === "active";
  }

  /**
   * Makes a group with this device alone.
   *
   * @throws {CallerError} `mls-refused` if this device's account is no admin of it, or cannot be in
   * it at all.
   */
  static async create(keys: DeviceKeys, policy: RoomPolicy): Promise<Group> {
    if (!isAdmin(policy, keys.identity) || !mayBeIn(policy, keys.user)) {
      throw new CallerError("mls-refused", `${keys.user} cannot make a room by these rules`);
    }
    const { publicPackage, privatePackage } = await generate(keys);
    const state = await createGroup(
      new Uint8Array(randomBytes(GROUP_ID_BYTES)),
      publicPackage,
      privatePackage,
      [policyExtension(policy)],
      await loadSuite(),
      CLIENT_CONFIG,
    );
    return new Group(trim(state));
  }

  /**
   * Joins by a welcome for one of this device's key packages, which is used up by that.
   *
   * @returns the group, the key package, and who added this device.
   * @throws {PeerError} `mls-invalid` if the welcome is not for this device, or anything in the
   * group behind it does not verify; `mls-refused` if its members cannot be together.
   */
  static async join(
    keys: DeviceKeys,
    welcome: Uint8Array,
    own: readonly OwnKeyPackage[],
  ): Promise<{ group: Group; used: OwnKeyPackage; by: Member }> {
    const { state, used, by } = await orInvalid(
      "A welcome is forged or damaged",
      () => openWelcome(keys, welcome, own),
    );
    return { group: new Group(state), used, by };
  }

  /**
   * A group that was kept.
   *
   * @throws {PeerError} `mls-invalid`.
   */
  static decode(bytes: Uint8Array): Group {
    return new Group(decodeState(bytes));
  }

  /** The group in the form that is kept. It holds the epoch's secrets and this device's keys. */
  encode(): Uint8Array {
    return encodeState(this.#state);
  }

  /** What tells this group from all others: 32 random bytes. */
  get groupId(): Uint8Array {
    return Uint8Array.from(this.#state.groupContext.groupId);
  }

  /**
   * The epoch's Fernet key, the same for all members: MLS-Exporter (RFC 9420 section 8.5) with the
   * room's name as context.
   *
   * @returns 32 bytes.
   * @throws {CallerError} `mls-removed` once this device has been removed.
   */
  async epochKey(): Promise<Uint8Array> {
    this.#checkActive();
    const context = new TextEncoder().encode(this.policy.room);
    const { exporterSecret } = this.#state.keySchedule;
    return await mlsExporter(exporterSecret, KEY_LABEL, context, KEY_BYTES, await loadSuite());
  }

  /**
   * Whether another device's state is of the same epoch of the same group: whoever makes another
   * group, with the same name and the same members, does not come to the same key.
   *
   * @throws {CallerError} `mls-removed` if one of the devices has been removed.
   */
  async agreesWith(other: Group): Promise<boolean> {
    return sameBytes(await this.epochKey(), await other.epochKey());
  }

  /**
   * Makes a commit. This group stays as it is: go on with `next` when the server has taken the
   * commit, and with this one when it has taken another.
   *
   * @param leaving folded names of accounts that have asked to leave.
   * @throws {CallerError} `mls-refused` if it is against the rules, `mls-removed` after a removal.
   * @throws {PeerError} `mls-invalid` if a key package is not usable.
   */
  async commit(plan: CommitPlan, leaving: ReadonlySet<string> = NOBODY): Promise<NewCommit> {
    this.#checkActive();
    const made = await makeCommit(this.#state, this.own, plan, leaving);
    const next = new Group(made.state);
    const change = this.#change(next, this.own, made.effect, made.hasPath);
    const { commit, welcome } = made;
    return { commit, ...welcome === undefined ? {} : { welcome }, next, change };
  }

  /**
   * Follows a commit. An own one can be followed too, if it only adds: one that another session
   * made with this device's state.
   *
   * @param leaving folded names of accounts that have asked to leave.
   * @throws {PeerError} `mls-invalid` if the commit is not genuine, not of this group and epoch, or
   * an own one with a path; `mls-refused` if it is against the rules.
   * @throws {CallerError} `mls-removed` once this device has been removed.
   */
  async process(
    commit: Uint8Array,
    leaving: ReadonlySet<string> = NOBODY,
  ): Promise<{ next: Group; change: MembershipChange }> {
    this.#checkActive();
    const { state, by, effect, hasPath } = await orInvalid(
      "A commit is forged or damaged",
      () => processCommit(this.#state, commit, leaving),
    );
    const next = new Group(state);
    return { next, change: this.#change(next, by, effect, hasPath) };
  }

  /**
   * Whether another session has made a commit with this device's keys, and drawn new ones for it:
   * {@linkcode process} cannot follow such a one.
   *
   * @throws {PeerError} `mls-invalid`, `mls-refused`.
   */
  isOwnWithPath(commit: Uint8Array): boolean {
    const { leaf, path } = decodeCommit(commit);
    return leaf === this.own.leaf && path !== undefined;
  }

  #change(next: Group, by: Member, effect: Effect, hasPath: boolean): MembershipChange {
    const after = next.isActive ? next.members : [];
    return changeBy(by, this.epoch + 1, effect, hasPath, after);
  }

  #checkActive(): void {
    if (this.isActive) return;
    throw new CallerError("mls-removed", `This device was removed from ${this.policy.room}`);
  }
}

function memberAt(members: readonly Member[], leaf: number): Member {
  const member = members.find((one) => one.leaf === leaf);
  if (member === undefined) throw invalid("A group's state has no place for its own device");
  return member;
}
