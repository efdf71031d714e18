/**
 * A sealed room's keys, as its members' devices agree on them: follows the room's commits, opens
 * what members say and checks that they said it (PROTOCOL.md section 12.6).
 *
 * @module
 */

import { EnvironmentError, PeerError } from "../../errors.ts";
import { FernetKey } from "../../fernet.ts";
import { sameName } from "../../folded_name.ts";
import type { Head, LogEntry } from "../../log/message_log.ts";
import type { Group, Member, MembershipChange } from "../../mls/group.ts";
import type { SealedText } from "../../rooms/open_room.ts";
import type { Content, Envelope } from "../../rooms/payload.ts";
import type { SealedContent, SealedPayload } from "../../rooms/sealed_payload.ts";
import type { EpochKey } from "../../vault/archive.ts";
import type { ClientEvent } from "../events.ts";
import type { Outgoing } from "../outbox.ts";
import type { RoomCipher, Taken } from "../room_cipher.ts";
import { introduce } from "./introductions.ts";
import { accountChange, changeBetween, membersEvent } from "./membership_news.ts";
import { Progress } from "./progress.ts";
import { checkNew, checkSameLog, contentOf, invalid, lost, sha256 } from "./sealed_entry.ts";
import { type HeldState, type SavedState, SealedState } from "./sealed_state.ts";
import type { Trust } from "./trust.ts";

/** What a sealed room's keys are made of. */
export interface SealedCipherOptions extends HeldState {
  /** The own account's name. */
  user: string;
  room: string;
  trust: Trust;
  /**
   * What is saved now of the state of one of this account's devices. Fails if that cannot be had at
   * all; over an outage it takes longer.
   */
  reload(device: number): Promise<SavedState | undefined>;
  /** What a welcome for that brings, if one waits; as long as {@linkcode reload}. */
  welcome(): Promise<SavedState | undefined>;
  /** Takes each entry that was followed. */
  onFollowed(): void;
  /** Takes each new epoch. */
  onEpoch(): void;
  /** Somebody has asked to leave. */
  onLeaving(): void;
}

/** See the module's description. */
export class SealedCipher implements RoomCipher {
  readonly kind = "sealed";
  readonly state: SealedState;
  readonly #options: SealedCipherOptions;
  /** The state is that of this place, if it is ahead of what was followed. */
  #ahead: Head | undefined;
  #isWaiting = false;
  readonly #progress = new Progress();

  constructor(options: SealedCipherOptions) {
    this.#options = options;
    this.state = new SealedState(options);
  }

  get keyId(): string {
    return this.state.key.id;
  }

  get peer(): string | undefined {
    return this.state.group.policy.peers?.find((name) => !sameName(name, this.#options.user));
  }

  get floor(): number {
    return (this.state.archive.epochs[0] as EpochKey).seq;
  }

  get canSeal(): boolean {
    const isSettled = !this.#isWaiting && this.#ahead === undefined && this.broken === undefined;
    return !this.state.isBorrowed && isSettled && this.state.group.isActive;
  }

  /** Why the room cannot be followed any more, if so. */
  get broken(): unknown {
    return this.#progress.ended;
  }

  has(keyId: string): boolean {
    return this.state.archive.keyById(keyId) !== undefined;
  }

  /**
   * Resolves when the group is beyond an epoch.
   *
   * @throws why it will not be.
   */
  async beyond(epoch: number): Promise<void> {
    await this.#progress.until(() => this.state.group.epoch > epoch || !this.state.group.isActive);
  }

  /** Resolves when the log was followed to a place. Throws as {@linkcode beyond}. */
  async reached(seq: number): Promise<void> {
    await this.#progress.until(() => this.state.head.seq >= seq);
  }

  open(entry: LogEntry): Content | undefined {
    return contentOf(this.state.openPast(entry));
  }

  async advance(entry: LogEntry, commit: Uint8Array | undefined): Promise<Taken> {
    try {
      const taken = this.#ahead === undefined
        ? await this.#takeNext(entry, commit)
        : this.#takePast(entry, this.#ahead);
      if (taken.later === undefined) this.#goOn(entry);
      return taken;
    } catch (error) {
      this.#goOn(entry);
      throw error;
    }
  }

  pass(entry: LogEntry): void {
    this.state.recent.add(entry);
    this.#goOn(entry);
  }

  #goOn({ seq, chain }: Head): void {
    this.state.reach({ seq, chain });
    this.#options.onFollowed();
    this.#progress.advance();
  }

  seal(envelope: Envelope, { text, action, leave }: Outgoing): SealedText {
    if (leave !== undefined) return this.sealContent(envelope, { text, leave });
    return this.sealContent(envelope, action === undefined ? { text } : { text, action });
  }

  /** Seals what a member says, or does to the room. */
  sealContent(envelope: Envelope, content: SealedContent): SealedText {
    return this.state.seal(envelope, content, this.#options.trust.version);
  }

  /** Pins the identities of members; what to tell of them. */
  greet(members: readonly Pick<Member, "user" | "identity">[]): ClientEvent[] {
    const { room, trust, user: self } = this.#options;
    const others = members.filter(({ user }) => !sameName(user, self));
    return introduce(trust, room, others);
  }

  close(): void {
    this.#progress.end(new PeerError("connection-cut", "The room was left"));
  }

  /** Who has missed a commit must not go on with the keys of before, as if it was not there. */
  #checkEpoch(entry: LogEntry): void {
    if (this.broken !== undefined) throw invalid("comes behind what could not be followed");
    if (this.has(entry.keyId)) return; // an old key does not open it, if it is one
    const error = lost(entry, `with the key ${entry.keyId}, without the commit that brings it`);
    this.#progress.end(error);
    throw error;
  }

  async #takeNext(entry: LogEntry, commit: Uint8Array | undefined): Promise<Taken> {
    this.#checkEpoch(entry);
    const { payload, author } = this.state.openNext(entry);
    checkNew(entry, payload, this.state.recent);
    this.state.recent.add(entry);
    this.#checkAuthor(entry, payload);
    const { leave, commit: hash } = payload.content;
    if (leave) return { news: this.#noteLeaving(author.user) };
    if (hash !== undefined) return await this.#follow(entry, hash, commit);
    return { content: payload.content, news: [] };
  }

  /** Between what was followed and a state that is ahead of it. */
  #takePast(entry: LogEntry, ahead: Head): Taken {
    if (entry.seq >= ahead.seq) {
      this.#ahead = undefined;
      if (entry.seq > ahead.seq || entry.chain !== ahead.chain) {
        const error = lost(entry, "in another history than this account has saved");
        this.#progress.end(error);
        throw error;
      }
    }
    const payload = this.state.openPast(entry);
    this.#checkAuthor(entry, payload);
    const content = contentOf(payload);
    return content === undefined ? { news: [] } : { content, news: [] };
  }

  /** What its author knew: of the log, and of this account's record if it is an own device. */
  #checkAuthor(entry: LogEntry, payload: SealedPayload): void {
    const { trust, user } = this.#options;
    checkSameLog(entry, payload, this.state);
    if (sameName(entry.sender, user)) trust.expect(payload.saved);
  }

  #noteLeaving(user: string): ClientEvent[] {
    const { room, onLeaving } = this.#options;
    this.state.noteLeaving(user);
    onLeaving();
    const message = `${user} leaves; the next change of keys shuts them out`;
    return [{ type: "notice", code: "leaving", message, room }];
  }

  /** Whatever is wrong with a commit ends it here: nobody can read on without it. */
  async #follow(
    entry: LogEntry,
    hash: string,
    commit: Uint8Array | undefined,
  ): Promise<Taken> {
    try {
      if (commit === undefined) throw lost(entry, "without its commit");
      if (sha256(commit) !== hash) throw lost(entry, "with another commit than its author made");
      if (!this.state.expects(hash) && this.state.group.isOwnWithPath(commit)) {
        this.#isWaiting = true;
        return { news: [], later: this.#takeSaved(entry, hash, commit) };
      }
      const { next, change } = await this.state.process(commit, hash);
      if (!sameName(change.by.user, entry.sender)) {
        throw lost(entry, "with a commit of somebody else");
      }
      if (this.state.isBorrowed && !this.state.expects(hash) && this.state.hasOwn(next)) {
        this.#isWaiting = true;
        return { news: [], later: this.#takeWelcome(entry, next, change) };
      }
      return { news: await this.#begin(entry, next, change) };
    } catch (error) {
      this.#progress.end(error);
      throw error;
    }
  }

  /**
   * Another session acts as this device, or as the one whose state was borrowed, and has made a
   * commit: what was drawn for it was saved with it.
   */
  async #takeSaved(
    entry: LogEntry,
    hash: string,
    commit: Uint8Array,
  ): Promise<ClientEvent[]> {
    try {
      const saved = await this.#options.reload(this.state.device);
      const { next } = saved?.pending?.hash === hash ? saved.pending : {};
      if (next !== undefined) {
        return await this.#begin(entry, next, changeBetween(this.state.group, next));
      }
      if (saved === undefined || saved.head.seq < entry.seq) {
        const { next, change } = await this.state.process(commit, hash); // says why not
        return await this.#begin(entry, next, change);
      }
      if (this.state.isBorrowed && this.state.hasOwn(saved.group)) {
        throw lost(entry, "and added this device meanwhile: it has to come in again");
      }
      return this.#jump(entry, saved);
    } catch (error) {
      this.#progress.end(error);
      throw error;
    } finally {
      this.#isWaiting = false;
      this.#goOn(entry);
    }
  }

  /** Somebody has added this session's device while it was to add itself. */
  async #takeWelcome(
    entry: LogEntry,
    next: Group,
    change: MembershipChange,
  ): Promise<ClientEvent[]> {
    try {
      const welcomed = await this.#options.welcome();
      // This session is another device by now: the one that was added is another session's.
      if (!this.state.hasOwn(next)) return await this.#begin(entry, next, change);
      // What was followed with the other device's state tells to which group it has to be.
      if (welcomed?.head.seq !== entry.seq || !await next.agreesWith(welcomed.group)) {
        throw lost(entry, "without the welcome to it");
      }
      this.state.expectWelcomed(welcomed.group);
      return await this.#begin(entry, welcomed.group, change);
    } catch (error) {
      this.#progress.end(error);
      throw error;
    } finally {
      this.#isWaiting = false;
      this.pass(entry);
    }
  }

  /** That session is further by now. What happened meanwhile is told as one change. */
  #jump(entry: LogEntry, saved: SavedState): ClientEvent[] {
    const { group, head } = saved;
    const change = changeBetween(this.state.group, group);
    const accounts = accountChange(this.state.group, change);
    this.state.replace(saved);
    if (head.seq > entry.seq) this.#ahead = head;
    this.#options.onEpoch();
    const at = { room: this.#options.room, seq: entry.seq, epoch: group.epoch };
    return [membersEvent(at, change, accounts), ...this.greet(change.added)];
  }

  async #begin(entry: LogEntry, next: Group, change: MembershipChange): Promise<ClientEvent[]> {
    const { room } = this.#options;
    const { epoch } = next;
    const key = next.isActive ? FernetKey.fromBytes(await next.epochKey()) : undefined;
    // In one step from here: whoever saves the state in between must find it whole.
    const accounts = accountChange(this.state.group, change);
    this.state.enter(next, key, entry, accounts.removed);
    if (!next.isActive) this.#progress.end(removedBy(change.by.user));
    this.#options.onEpoch();
    this.#progress.advance();
    const at = { room, seq: entry.seq, epoch };
    return [membersEvent(at, change, accounts), ...this.greet(change.added)];
  }
}

/** Nothing can be read or said any more, although the server has not put this session out yet. */
function removedBy(user: string): EnvironmentError {
  return new EnvironmentError("removed", `${user} removed this device from the room`);
}
