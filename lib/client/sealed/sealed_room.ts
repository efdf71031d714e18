/**
 * A sealed room that this session is in: changes its members and keys, and keeps its state in the
 * vault. One thing at a time: the state has one version after the other.
 *
 * @module
 */

import { foldName } from "../../folded_name.ts";
import { EnvironmentError, PeerError } from "../../errors.ts";
import { FernetKey } from "../../fernet.ts";
import { type CommitPlan, Group, type NewCommit } from "../../mls/group.ts";
import { readKeyPackage } from "../../mls/key_package.ts";
import type { SealedContent } from "../../rooms/sealed_payload.ts";
import { encodeRoomRecord } from "../../vault/room_record.ts";
import type { Requests } from "../requests.ts";
import { accountsOf, listNames, wishesOf } from "./membership_news.ts";
import type { OwnDevice } from "./own_device.ts";
import type { SealedCipher } from "./sealed_cipher.ts";
import type { PendingCommit } from "./sealed_state.ts";
import { sha256 } from "./sealed_entry.ts";
import { Turns } from "./turns.ts";
import { isCut, type VaultStore } from "./vault_store.ts";

/** How often a commit is made again because somebody else's came first. */
const MAX_TRIES = 64;

/** Commits after which the state is saved: as many are processed again at the next start. */
const COMMITS_UNSAVED = 16;
/** The same of messages. */
const MESSAGES_UNSAVED = 500;

const NOTHING = new Uint8Array();

/** What a commit is to do. */
export interface Change {
  plan: CommitPlan;
  /** In its entry, for whoever reads the log with the keys alone. */
  text: string;
}

/** What a sealed room works with. */
export interface SealedRoomOptions {
  user: string;
  room: string;
  requests: Requests;
  store: VaultStore;
  device: OwnDevice;
  cipher: SealedCipher;
  /** Resolves when it is known which device this session is: after an outage it may be another. */
  settled(): Promise<void>;
  /** The version of the own account's record. */
  accountVersion(): number;
  /** Takes what goes wrong while the state is saved in the background. */
  onError(error: unknown): void;
}

/** A commit that is to be offered to the server. */
interface Offer extends NewCommit {
  /** The group as it is before. */
  group: Group;
  /** The id of the key of the epoch that it begins. */
  keyId: string;
  text: string;
}

/**
 * What became of a commit: the server took it, another one came first, or this session is another
 * device by now, and nothing was asked.
 */
type Fate = "taken" | "outrun" | "moved";

/** See the module's description. */
export class SealedRoom {
  readonly cipher: SealedCipher;
  readonly #options: SealedRoomOptions;
  readonly #turns = new Turns();
  #device: OwnDevice;
  #commits = 0;
  #messages = 0;

  constructor(options: SealedRoomOptions) {
    this.#options = options;
    this.cipher = options.cipher;
    this.#device = options.device;
  }

  /** Another session has this one's device: goes on as that one, once it is a member. */
  actAs(device: OwnDevice): void {
    this.#device = device;
    this.cipher.state.actAs(device.keys);
  }

  /** An entry was followed. */
  followed(): void {
    this.#messages += 1;
    if (this.#messages === MESSAGES_UNSAVED) this.#saveSoon();
  }

  /** An epoch has begun. */
  began(): void {
    this.#commits += 1;
    if (this.#commits === COMMITS_UNSAVED) this.#saveSoon();
  }

  /**
   * Changes the members or the keys; resolves when the change came back from the log. If somebody
   * else's commit came first, it is made again on top of that.
   *
   * @param changeFor what to do to the group as it is then; undefined if nothing any more.
   * @throws {EnvironmentError} with the server's code if it refuses; `room-busy`; `not-connected`,
   * `connection-cut`: then whether it was done is seen in the room.
   * @throws {PeerError} if the room cannot be followed any more.
   */
  async change(changeFor: (group: Group) => Change | undefined): Promise<void> {
    await this.#turns.take(async () => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        await this.#adopt();
        this.#checkCanChange();
        const { group } = this.cipher.state;
        const change = changeFor(group);
        if (change === undefined) return;
        const fate = await this.#commit(change, ({ next }) => Promise.resolve({ next }));
        if (fate === "moved") continue;
        await this.cipher.beyond(group.epoch); // its own commit, or the one that came first
        if (fate === "taken") return;
      }
      throw new EnvironmentError("room-busy", "Too many others change the room: try again later");
    });
  }

  /**
   * Makes the own device a member, as the other device of this account whose state was borrowed,
   * unless it is one by now.
   *
   * @throws as {@linkcode change}.
   */
  async adopt(): Promise<void> {
    await this.#turns.take(() => this.#adopt());
  }

  async #adopt(): Promise<void> {
    if (!this.cipher.state.isBorrowed) return;
    while (this.cipher.state.isBorrowed) {
      const { group: { epoch } } = this.cipher.state;
      if (await this.#addOwn() !== "moved") await this.cipher.beyond(epoch);
    }
    await this.#save();
  }

  async #addOwn(): Promise<Fate> {
    const { keys, lastPackage: own } = this.#device;
    const plan = { add: [await readKeyPackage(own.public)] };
    return await this.#commit({ plan, text: "uses another device" }, async ({ welcome }) => {
      const { group: next } = await Group.join(keys, welcome as Uint8Array, [own]);
      return { next, keys };
    });
  }

  /** Shuts out who has asked to leave, unless somebody else has done so, or it is this account. */
  async shutOutLeaving(): Promise<void> {
    const isLeaving = this.cipher.state.leaving.has(foldName(this.#options.user));
    if (isLeaving || this.cipher.broken !== undefined) return;
    await this.change((group) => {
      const { leaving } = this.cipher.state;
      const gone = group.members.filter(({ user }) => leaving.has(foldName(user)));
      if (gone.length === 0) return undefined;
      const names = listNames(accountsOf(gone));
      return {
        plan: { removeLeaves: gone.map(({ leaf }) => leaf) },
        text: `shuts out ${names}, who left`,
      };
    });
  }

  /** Saves the state, if there is something new in it. */
  async save(): Promise<void> {
    await this.#turns.take(async () => {
      const { canSeal, state: { isInDoubt } } = this.cipher;
      if (this.#commits + this.#messages > 0 && canSeal && !isInDoubt) await this.#save();
    });
  }

  /** Saves the state, whether there is something new in it or not; unless it cannot be now. */
  async resave(): Promise<void> {
    this.#messages += 1;
    await this.save();
  }

  /** Saves the state for the first time. */
  async saveFirst(): Promise<void> {
    await this.#turns.take(() => this.#save());
  }

  #saveSoon(): void {
    this.save().catch(this.#options.onError);
  }

  async #save(): Promise<void> {
    const { store } = this.#options;
    await this.#settle();
    if (this.cipher.state.isBorrowed) return; // by now: it is saved when the new device is in
    this.#commits = this.#messages = 0;
    await store.save(this.#blob, this.#encode(), this.#device.lease);
  }

  /** What an ended connection has left open: the lease, and which state was stored last. */
  async #settle(): Promise<void> {
    await this.#options.settled();
    await this.#options.store.settle(this.#blob);
  }

  /** Makes a commit and asks the server to take it. */
  async #commit(
    { plan, text }: Change,
    becomes: (made: NewCommit) => Promise<Omit<PendingCommit, "hash">>,
  ): Promise<Fate> {
    const [{ group }, device] = [this.cipher.state, this.#device];
    const made = await group.commit(plan, this.cipher.state.leaving);
    const pending = { hash: sha256(made.commit), ...await becomes(made) };
    const { id: keyId } = FernetKey.fromBytes(await made.next.epochKey());
    await this.#settle();
    // No step from here to the request.
    if (this.#device !== device) return "moved";
    if (this.cipher.state.group !== group) return "outrun";
    return await this.#offer({ ...made, group, keyId, text }, pending) ? "taken" : "outrun";
  }

  /**
   * A commit with a path has new private keys, which no other commit can bring back: they are saved
   * with it, in one step, or not at all.
   */
  async #offer(
    { commit, welcome = NOTHING, change, group, keyId: key_id, text }: Offer,
    pending: PendingCommit,
  ): Promise<boolean> {
    const { room, requests, store } = this.#options;
    const { number: device, lease } = this.#device;
    const adds = accountsOf(change.added); // also who is there, with other devices: they are told
    const { id, sentAt: sent_at, token } = this.#seal({ text, commit: pending.hash });
    const state = change.hasPath ? store.seal(this.#blob, this.#encode(pending)).bytes : NOTHING;
    this.cipher.state.expect(pending); // it may come back before the answer
    const request = requests.exchange(
      {
        do: "commit",
        ...{
          room,
          epoch: group.epoch,
          key_id,
          id,
          sent_at,
          token,
          adds,
          ...wishesOf(group, change),
        },
        welcomes: change.added.map(({ user, device }) => ({ user, device })),
        ...{ device, lease },
        sizes: [commit.length, welcome.length, state.length],
      },
      commit,
      welcome,
      state,
    );
    try {
      await (change.hasPath ? store.saving(this.#blob, request) : request);
      return true;
    } catch (error) {
      if (!isCut(error)) this.cipher.state.forgo(pending);
      if (error instanceof EnvironmentError && error.code === "epoch-outdated") return false;
      throw error;
    }
  }

  #encode(pending?: PendingCommit): Uint8Array {
    const { head: { seq, chain: head }, archive, leaving, recent, group } = this.cipher.state;
    return encodeRoomRecord({
      ...{ seq, head, archive, leaving: [...leaving], recent: recent.encode() },
      account: this.#options.accountVersion(),
      state: group.encode(),
      ...(pending === undefined
        ? {}
        : { pending: { commit: pending.hash, state: pending.next.encode() } }),
    });
  }

  #seal(content: SealedContent): { id: string; sentAt: string; token: string } {
    const { user: sender, room } = this.#options;
    const [id, sentAt] = [crypto.randomUUID(), new Date().toISOString()];
    const { token } = this.cipher.sealContent({ room, sender, id, sent_at: sentAt }, content);
    return { id, sentAt, token };
  }

  #checkCanChange(): void {
    const { broken, canSeal } = this.cipher;
    if (broken !== undefined) throw broken;
    if (canSeal) return;
    const { room } = this.#options;
    throw new PeerError(
      "room-inconsistent",
      `This session is no member of ${room} yet, or any more`,
    );
  }

  get #blob(): string {
    return `device/${this.#device.number}/${this.#options.room}`;
  }
}
