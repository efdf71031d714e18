/**
 * What a device knows of a sealed room: its group, the keys of all epochs, how far the log was
 * followed. Between two steps it is whole: whoever saves it may do so at any moment.
 *
 * @module
 */

import type { FernetKey } from "../../fernet.ts";
import { foldName } from "../../folded_name.ts";
import type { Head, LogEntry } from "../../log/message_log.ts";
import type { DeviceKeys } from "../../mls/device_keys.ts";
import { sign } from "../../mls/ed25519.ts";
import type { Group, Member, MembershipChange } from "../../mls/group.ts";
import { sameBytes } from "../../same_bytes.ts";
import type { SealedText } from "../../rooms/open_room.ts";
import type { Envelope } from "../../rooms/payload.ts";
import {
  encodeSealedPayload,
  type SealedContent,
  type SealedPayload,
} from "../../rooms/sealed_payload.ts";
import type { Archive, EpochKey } from "../../vault/archive.ts";
import type { RecentEntries } from "../../vault/recent_entries.ts";
import { changeBetween } from "./membership_news.ts";
import { RecentHeads } from "./recent_heads.ts";
import { checkPayload, decrypt, invalid } from "./sealed_entry.ts";

/** An own commit that is on its way, or was when an earlier session ended. */
export interface PendingCommit {
  /** SHA-256 of the commit's bytes: 64 hex digits. */
  hash: string;
  /** The group behind it. */
  next: Group;
  /** The own device's keys, if the commit adds it: until then it acts with another device's. */
  keys?: DeviceKeys;
}

/** A device's state of a room, as it was saved. */
export interface SavedState {
  group: Group;
  archive: Archive;
  /** How far the log was followed. */
  head: Head;
  /** Accounts that have asked to leave. */
  leaving: readonly string[];
  /** Messages of the epoch that were followed lately. */
  recent: RecentEntries;
  pending?: PendingCommit;
}

/** A state, and whose it is. */
export interface HeldState extends Omit<SavedState, "pending"> {
  /** The keys of the device whose state this is. */
  keys: DeviceKeys;
  /**
   * The keys of this session's own device. If it is another one of this account, the state is
   * borrowed: nothing is said with it.
   */
  device: DeviceKeys;
  pending?: PendingCommit | undefined;
}

/** See the module's description. */
export class SealedState {
  readonly #heads: RecentHeads;
  #leaving: Set<string>;
  #recent: RecentEntries;
  #keys: DeviceKeys;
  #own: DeviceKeys;
  #group: Group;
  #archive: Archive;
  /** Own commits of this epoch that are on their way, or may be stored, by their hashes. */
  readonly #pending = new Map<string, PendingCommit>();

  constructor({ group, archive, head, leaving, recent, keys, device, pending }: HeldState) {
    this.#heads = new RecentHeads(head);
    this.#leaving = new Set(leaving);
    this.#recent = recent;
    this.#keys = keys;
    this.#own = device;
    this.#group = group;
    this.#archive = archive;
    if (pending !== undefined) this.expect(pending);
  }

  /** The newest epoch's key. */
  get key(): FernetKey {
    return (this.#archive.current as EpochKey).key;
  }

  /** Whether this is another device's state. */
  get isBorrowed(): boolean {
    return this.#keys.device !== this.#own.device;
  }

  /** The number of the device whose state this is. */
  get device(): number {
    return this.#keys.device;
  }

  /** The group as it is now. */
  get group(): Group {
    return this.#group;
  }

  /** The keys of all its epochs. */
  get archive(): Archive {
    return this.#archive;
  }

  /** How far the log was followed. */
  get head(): Head {
    return this.#heads.last;
  }

  /** Accounts that have asked to leave, and are still there. */
  get leaving(): ReadonlySet<string> {
    return this.#leaving;
  }

  /** Messages of the epoch that were followed lately. */
  get recent(): RecentEntries {
    return this.#recent;
  }

  /** Whether an own commit is on its way, or may be stored: only the log tells. */
  get isInDoubt(): boolean {
    return this.#pending.size > 0;
  }

  /** Whether an own commit is, by its hash. */
  expects(hash: string): boolean {
    return this.#pending.has(hash);
  }

  /** An own commit is on its way: when it comes back, this is the group. */
  expect(pending: PendingCommit): void {
    this.#pending.set(pending.hash, pending);
  }

  /** An own commit will not come: the server has refused it. */
  forgo({ hash }: PendingCommit): void {
    this.#pending.delete(hash);
  }

  /** The session acts as another device from now on: the state is borrowed until that is added. */
  actAs(device: DeviceKeys): void {
    this.#own = device;
  }

  /** Whether this session's own device is a member of a group. */
  hasOwn({ members }: Group): boolean {
    return members.some(({ signatureKey }) => sameBytes(signatureKey, this.#own.signatureKey));
  }

  /** Goes on with a group that the own device was welcomed to, by the entry that is next. */
  expectWelcomed(next: Group): void {
    this.expect({ hash: "", next, keys: this.#own });
  }

  /** The log was followed to there. */
  reach({ seq, chain }: Head): void {
    if (seq > this.head.seq) this.#heads.add({ seq, chain });
  }

  /** Whether somebody may have seen this of the log; true also for what is not remembered. */
  agreesWith(head: Head): boolean {
    return this.#heads.agreesWith(head);
  }

  /** Somebody has asked to leave. */
  noteLeaving(user: string): void {
    this.#leaving.add(foldName(user));
  }

  /** Opens the next entry of the log; throws `token-invalid`. */
  openNext(entry: LogEntry): { payload: SealedPayload; author: Member } {
    const payload = decrypt(this.key, entry);
    const author = this.#group.members.find(({ signatureKey }) =>
      sameBytes(signatureKey, payload.device)
    );
    checkPayload(entry, payload, this.#archive.current as EpochKey, author?.user);
    return { payload, author: author as Member };
  }

  /** Opens an entry of an epoch that is over, or of this one; throws `token-invalid`. */
  openPast(entry: LogEntry): SealedPayload {
    const epoch = this.#archive.keyAt(entry.seq);
    if (epoch === undefined) throw invalid("comes from before this account was a member");
    const payload = decrypt(epoch.key, entry);
    const signer = this.#archive.signerAt(payload.device, epoch.epoch);
    checkPayload(entry, payload, epoch, signer?.user);
    if (payload.after >= entry.seq) throw invalid("was not sealed for this place");
    return payload;
  }

  /**
   * Seals what a member says, or does to the room.
   *
   * @param saved the version of the own account's record.
   */
  seal(envelope: Envelope, content: SealedContent, saved: number): SealedText {
    const { signatureSeed, signatureKey: device } = this.#keys;
    const { seq: after, chain: head } = this.head;
    const plaintext = encodeSealedPayload(
      envelope,
      content,
      { epoch: this.#group.epoch, after, head, saved, device },
      this.key.digest(),
      (message) => sign(signatureSeed, message),
    );
    return { keyId: this.key.id, token: this.key.encrypt(plaintext) };
  }

  /** Follows a commit. An own one cannot be, but with what was drawn for it. */
  async process(
    commit: Uint8Array,
    hash: string,
  ): Promise<{ next: Group; change: MembershipChange }> {
    const pending = this.#pending.get(hash);
    if (pending === undefined) return await this.#group.process(commit, this.#leaving);
    const { next } = pending;
    return { next, change: changeBetween(this.#group, next) };
  }

  /**
   * Begins the next epoch.
   *
   * @param key the epoch's; undefined if this device is not in it.
   * @param entry of the commit that began it.
   * @param gone accounts that it removed.
   */
  enter(next: Group, key: FernetKey | undefined, entry: LogEntry, gone: readonly string[]): void {
    const keys = [...this.#pending.values()].find((pending) => pending.next === next)?.keys;
    if (keys !== undefined) this.#keys = keys;
    for (const user of gone) this.#leaving.delete(foldName(user));
    this.#pending.clear();
    this.#group = next;
    this.#recent.clear();
    this.reach(entry);
    if (key === undefined) return;
    this.#archive = this.#archive.begin(next.epoch, entry.seq, key, next.members);
  }

  /** Goes on with what another session has saved, which is further. How far this one is, stays. */
  replace({ group, archive, leaving, recent, pending }: SavedState): void {
    this.#group = group;
    this.#archive = archive;
    this.#leaving = new Set(leaving);
    this.#recent = recent; // with what is still to come here, so that is not looked for in it
    this.#pending.clear();
    if (pending !== undefined) this.expect(pending);
  }
}
