/**
 * What a server delivers to a member of a room, turned into events. Each delivery and each ack is
 * run through the log's chain first.
 *
 * @module
 */

import { EnvironmentError, PeerError } from "../errors.ts";
import type { LogEntry } from "../log/message_log.ts";
import type { MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { EventQueue } from "./event_queue.ts";
import { type AckEvent, type ClientEvent, errorEvent } from "./events.ts";
import type { InFlight, Outbox } from "./outbox.ts";
import { OpenCipher } from "./open_cipher.ts";
import { PartsReceived } from "./parts.ts";
import { entryOf, type RoomState } from "./room_state.ts";
import { Unopened } from "./unopened.ts";

/**
 * How often a message is sent on one connection, by the room's kind: the key changes less often
 * meanwhile. A sealed room's does so with every change of its members.
 */
const MAX_SENDINGS = { open: 4, sealed: 64 };

/** What a follower works with. */
export interface FollowerOptions {
  /** The own account's name. */
  user: string;
  state: RoomState;
  outbox: Outbox;
  events: EventQueue;
}

/** What has to be waited for; it does not fail. */
export interface Hold {
  until: Promise<void>;
}

type Received<T extends ServerMessage["type"]> = MessageOf<ServerMessage, T>;

/** See the module's description. */
export class Follower {
  readonly #user: string;
  readonly #state: RoomState;
  readonly #outbox: Outbox;
  readonly #events: EventQueue;
  /** What was said during an outage and cannot be opened. */
  readonly #unopened = new Unopened();
  /** Own messages that wait for the next key, since theirs is over. */
  readonly #outdated = new Set<string>();
  /** The bytes of the commit whose entry comes next. */
  readonly #commit = new PartsReceived();

  constructor({ user, state, outbox, events }: FollowerOptions) {
    this.#user = user;
    this.#state = state;
    this.#outbox = outbox;
    this.#events = events;
  }

  /**
   * Takes a delivery.
   *
   * @returns what has to be waited for before the next message of the room, if there is something.
   */
  async deliver(message: Received<"message">): Promise<Hold | undefined> {
    const entry = entryOf(message);
    const commit = this.#commit.take();
    const isCatchingUp = this.#state.isBehind;
    const isRepeat = await this.#follow(entry);
    const hold = isRepeat ? undefined : await this.#take(entry, isCatchingUp, commit);
    if (isCatchingUp && !this.#state.isBehind) {
      await this.#events.push(...this.#unopened.take(this.#state.room));
    }
    return hold;
  }

  /** There is no connection any more: what came of a commit comes again. */
  pause(): void {
    this.#commit.take();
  }

  /** Takes bytes of the commit whose entry comes next. */
  takeCommitPart({ data }: Received<"commit_part">): void {
    this.#commit.add(data);
  }

  /**
   * Takes an ack.
   *
   * @throws {PeerError} `message-unexpected` if nothing was sent that it could be for.
   */
  async acknowledge({ room, id, seq, chain }: Received<"ack">): Promise<void> {
    const sent = this.#outbox.find(id);
    const name = { sender: this.#user, messageId: id };
    if (sent === undefined) {
      // The delivery was taken for it already.
      if (this.#state.isAt(name, seq)) return;
      throw new PeerError("message-unexpected", "The server acked what was not sent");
    }
    if (seq > this.#state.head.seq) {
      const entry = { ...sent.entry, seq, chain };
      await this.#follow(entry);
      this.#state.cipher.pass(entry);
    } // It was stored before, and followed then if this client was there.
    else await this.report(this.#state.checkPlace(name, seq));
    await this.#acknowledge({ type: "ack", room, id, seq });
  }

  /** Takes a refusal: of a message, or another one. */
  async refuse({ id, code, message: said }: Received<"error">): Promise<void> {
    const { room } = this.#state;
    const event = { type: "error", code, message: said, room } as const;
    if (id === undefined) return await this.#events.push(event);
    const sent = this.#outbox.find(id);
    if (code === "key-outdated" && sent !== undefined && this.#sealAnew(id, sent)) return;
    const message = `The server refused a message: ${said}`;
    const error = code === "token-invalid"
      ? new PeerError(code, message)
      : new EnvironmentError(code, message);
    this.#outbox.refuse(id, error);
    await this.#events.push({ ...event, id });
  }

  /** Takes an open room's ring, and says so if there is a new key. */
  async takeKeys(keys: readonly string[]): Promise<void> {
    const { room, cipher } = this.#state;
    if (!(cipher instanceof OpenCipher)) return;
    const message = cipher.takeKeys(keys);
    if (message === undefined) return;
    await this.#events.push({ type: "notice", code: "key-changed", message, room });
  }

  /** Tells what is wrong, if something is. */
  async report(fault: unknown): Promise<void> {
    if (fault !== undefined) await this.#events.push(errorEvent(fault, this.#state.room));
  }

  /** Runs an entry through the chain; says what is wrong, and whether it came before. */
  async #follow(entry: LogEntry): Promise<boolean> {
    const { fault, isRepeat } = this.#state.follow(entry);
    await this.report(fault);
    return isRepeat;
  }

  async #acknowledge(ack: AckEvent): Promise<void> {
    this.#outbox.acknowledge(ack);
    await this.#events.push(ack);
  }

  async #take(
    entry: LogEntry,
    isCatchingUp: boolean,
    commit: Uint8Array,
  ): Promise<Hold | undefined> {
    const { sender, messageId: id, room, seq } = entry;
    // What was sent on an earlier connection, or sealed again, comes back in the place of its ack.
    const isOwn = sender === this.#user && this.#outbox.has(id);
    if (isOwn) await this.#acknowledge({ type: "ack", room, id, seq });
    if (this.#state.kind === "sealed") return await this.#advance(entry, commit, isOwn);
    if (isOwn) return undefined;
    await (isCatchingUp ? this.#showMissed(entry) : this.#show(entry));
    return undefined;
  }

  /** In a sealed room each entry counts, and whatever is wrong with one is said. */
  async #advance(entry: LogEntry, commit: Uint8Array, isOwn: boolean): Promise<Hold | undefined> {
    const { cipher } = this.#state;
    try {
      const bytes = commit.length === 0 ? undefined : commit;
      const { content, news, later } = await cipher.advance(entry, bytes);
      const said = content === undefined || isOwn
        ? []
        : [this.#state.toEvent(entry, content, false)];
      await this.#events.push(...news, ...said);
      if (later !== undefined) return { until: this.#tellLater(later) };
    } catch (error) {
      await this.report(error);
    }
    this.#sealOutdated();
    return undefined;
  }

  async #tellLater(later: Promise<readonly ClientEvent[]>): Promise<void> {
    try {
      await this.#events.push(...await later);
    } catch (error) {
      await this.report(error);
    }
    this.#sealOutdated();
  }

  async #show(entry: LogEntry): Promise<void> {
    try {
      const message = this.#state.open(entry, false);
      if (message !== undefined) await this.#events.push(message);
    } catch (error) {
      await this.report(error);
    }
  }

  /** Many of them may need a key that came and went during the outage. */
  async #showMissed(entry: LogEntry): Promise<void> {
    const message = this.#unopened.tryOpen(this.#state, entry, false);
    if (message !== undefined) await this.#events.push(message);
  }

  /** With the new key, which a sealed room's commit may still bring; false if that is no use. */
  #sealAnew(id: string, { entry, times }: InFlight): boolean {
    const { cipher } = this.#state;
    if (times >= MAX_SENDINGS[cipher.kind]) return false;
    const isOutdated = entry.keyId !== cipher.keyId;
    if (isOutdated && cipher.canSeal) this.#outbox.sendAgain(id);
    else if (cipher.kind === "sealed") this.#outdated.add(id);
    else return false;
    return true;
  }

  /** There may be another key than before. */
  #sealOutdated(): void {
    const { canSeal, keyId } = this.#state.cipher;
    if (!canSeal) return;
    for (const id of this.#outdated) {
      if (this.#outbox.find(id)?.entry.keyId === keyId) continue;
      this.#outdated.delete(id);
      this.#outbox.sendAgain(id);
    }
  }
}
