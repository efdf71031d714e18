/**
 * The rooms that a connection is in, as they outlive it: joining and leaving, and which room a
 * server's message is about.
 *
 * @module
 */

import { CallerError, EnvironmentError, PeerError } from "../errors.ts";
import { sameName } from "../folded_name.ts";
import { isRoomName } from "../name_patterns.ts";
import { MAX_ROOMS_JOINED } from "../protocol/limits.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { EventQueue } from "./event_queue.ts";
import { checkHistoryCount } from "./history.ts";
import { Member, type RoomView } from "./member.ts";
import type { RoomCipher } from "./room_cipher.ts";
import type { Foreknowledge } from "./room_state.ts";
import { notConnected } from "./requests.ts";

type Received<T extends ServerMessage["type"]> = MessageOf<ServerMessage, T>;

/** A server's message about a room. */
export type RoomMessage =
  | Exclude<Extract<ServerMessage, { room: string }>, { type: "invited" }>
  | Received<"error"> & { room: string };

/** A room that is asked for, without an answer yet. */
interface Joining extends PromiseWithResolvers<RoomView> {
  /** Older messages to begin with. */
  history: number;
  /** Of a sealed room. */
  known?: Foreknowledge;
}

/** What can still come for a room that is left: answers to what was on its way. */
const BELATED: ReadonlySet<ServerMessage["type"]> = new Set([
  "ack",
  "error",
  "past",
  "history_end",
]);

/** See the module's description. */
export class Memberships {
  readonly #user: string;
  readonly #events: EventQueue;
  readonly #onLeft: (room: string, code: string) => void;
  /** In the order of joining. */
  readonly #members = new Map<string, Member>();
  readonly #joining = new Map<string, Joining>();
  readonly #leaving = new Map<string, PromiseWithResolvers<void>>();
  /** Rooms that were left on this connection. */
  readonly #left = new Set<string>();
  #send: ((message: ClientMessage) => void) | undefined;

  /**
   * @param user the account's name.
   * @param onLeft takes each room that it is out of, and the code of why.
   */
  constructor(
    user: string,
    events: EventQueue,
    onLeft: (room: string, code: string) => void = () => {},
  ) {
    this.#user = user;
    this.#events = events;
    this.#onLeft = onLeft;
  }

  /** The members, the first joined first. */
  get all(): Member[] {
    return [...this.#members.values()];
  }

  /**
   * The member of a room, or of the first one.
   *
   * @throws {CallerError} `room-unknown` if it is not in that room, `room-missing` if in none.
   */
  get(room?: string): Member {
    const [first] = this.#members.values();
    const found = room === undefined ? first : this.#members.get(room);
    if (found !== undefined) return found;
    const hint = "/join ROOM enters one, /rooms shows which there are";
    if (room === undefined) throw new CallerError("room-missing", "You are in no room", { hint });
    throw new CallerError("room-unknown", `You are not in a room ${JSON.stringify(room)}`, {
      hint,
    });
  }

  /** Takes the first room, which was joined before the connection's messages became a stream. */
  begin(joined: Received<"joined">): Member {
    return this.#add(joined);
  }

  /** There is a connection: joins again where it was before. */
  open(send: (message: ClientMessage) => void): void {
    this.#send = send;
    for (const member of this.#members.values()) {
      const { room, head: { seq: after } } = member.state;
      if (member.isPresent) member.resume();
      else send({ type: "join", room, after });
    }
  }

  /** There is none any more. What was said waits for the next one; who was leaving has left. */
  async close(cause: unknown): Promise<void> {
    this.#send = undefined;
    this.#left.clear();
    for (const member of this.#members.values()) member.pause();
    const message = "The connection ended before the server let you in";
    const error = new EnvironmentError("connection-cut", message, { cause, hint: "try again" });
    for (const { reject } of this.#joining.values()) reject(error);
    this.#joining.clear();
    for (const room of [...this.#leaving.keys()]) await this.#part(this.get(room), LEFT);
  }

  /** Gives up what waits. */
  abandon(reason: unknown): void {
    for (const member of this.#members.values()) member.abandon(reason);
    for (const { resolve } of this.#leaving.values()) resolve();
  }

  /**
   * Joins a room; resolves when it is in.
   *
   * @param history older messages to begin with.
   * @param known of a sealed room: deliveries begin where an earlier session ended.
   * @throws {CallerError} `room-invalid`, `room-joined`, `too-many`, `count-invalid`.
   * @throws {EnvironmentError} with the server's code and words if it refuses, such as
   * `room-unknown`; `not-connected`, `connection-cut`.
   */
  async join(room: string, history: number, known?: Foreknowledge): Promise<RoomView> {
    checkHistoryCount(history, 0);
    this.checkCanJoin(room);
    if (this.#send === undefined) throw notConnected();
    const about = known === undefined ? {} : { known };
    const joining = { history, ...about, ...Promise.withResolvers<RoomView>() };
    this.#joining.set(room, joining);
    const after = known === undefined ? {} : { after: known.from.seq };
    this.#send({ type: "join", room, ...after });
    return await joining.promise;
  }

  /**
   * Leaves a room, after its own messages there were stored; resolves when it is out.
   *
   * @throws {CallerError} `room-unknown`.
   */
  async leave(room: string): Promise<void> {
    const member = this.get(room);
    await member.outbox.settled();
    if (this.#members.get(room) !== member) return; // someone else was faster
    if (!member.isPresent) return await this.#part(member, LEFT);
    const under = this.#leaving.get(room);
    if (under !== undefined) return await under.promise;
    const leaving = Promise.withResolvers<void>();
    this.#leaving.set(room, leaving);
    this.#send?.({ type: "leave", room });
    await leaving.promise;
  }

  /** Is out of a room at once, whatever waits there: what the server still says of it is a fault. */
  async quit(room: string, why: Words): Promise<void> {
    await this.#part(this.get(room), why);
  }

  /**
   * Takes a message about a room.
   *
   * @throws {PeerError} if the server breaks the protocol.
   */
  async handle(message: RoomMessage): Promise<void> {
    const { room, type } = message;
    if (type === "joined") return await this.#takeJoined(message);
    const member = this.#members.get(room);
    if (type === "error" && message.id === undefined) {
      if (this.#joining.has(room)) return this.#refuseJoining(room, message);
      // It is not there any more, or shut for this account.
      if (member?.isPresent === false) return await this.#part(member, message);
    }
    if (member === undefined && this.#left.has(room) && BELATED.has(type)) return;
    if (member?.isPresent !== true) {
      throw new PeerError("room-inconsistent", "The server speaks of a room that was not joined");
    }
    await (type === "left" ? this.#part(member, message) : member.handle(message));
  }

  async #takeJoined(joined: Received<"joined">): Promise<void> {
    const { room, kind, topic } = joined;
    const member = this.#members.get(room);
    if (member?.isPresent === false) {
      const fault = kindFault(joined, member.state.cipher);
      if (fault !== undefined) throw fault;
      return await member.rejoin(joined);
    }
    const joining = this.#joining.get(room);
    if (joining === undefined) {
      throw new PeerError(
        "room-inconsistent",
        "The server let us into a room that we did not ask for",
      );
    }
    this.#joining.delete(room);
    const fault = kindFault(joined, joining.known?.cipher);
    if (fault !== undefined) {
      joining.reject(fault);
      throw fault;
    }
    const added = this.#add(joined, joining.known);
    await this.#events.push({ type: "joined", room, kind, ...added.state.direct, topic });
    await added.begin();
    added.resume();
    added.history.beginWith(joining.history);
    joining.resolve(added.view);
  }

  #add(joined: Received<"joined">, known?: Foreknowledge): Member {
    const send = (message: ClientMessage): void => this.#send?.(message);
    const about = known === undefined ? {} : { known };
    const member = new Member({ user: this.#user, joined, events: this.#events, send, ...about });
    this.#members.set(joined.room, member);
    this.#left.delete(joined.room);
    return member;
  }

  #refuseJoining(room: string, { code, message }: Words): void {
    this.#joining.get(room)?.reject(new EnvironmentError(code, message));
    this.#joining.delete(room);
  }

  /** It is out of a room: what was not stored there will not be. */
  async #part(member: Member, { code, message }: Words): Promise<void> {
    const { room } = member.state;
    this.#members.delete(room);
    this.#left.add(room);
    member.abandon(new EnvironmentError(code, message));
    this.#onLeft(room, code);
    this.#leaving.get(room)?.resolve();
    this.#leaving.delete(room);
    await this.#events.push({ type: "left", room, reason: code, message });
  }

  /**
   * Passes if a room can be asked for now.
   *
   * @throws {CallerError} `room-invalid`, `room-joined`, `too-many`.
   */
  checkCanJoin(room: string): void {
    if (!isRoomName(room)) {
      throw new CallerError("room-invalid", `Not a room's name: ${JSON.stringify(room)}`, {
        hint: "it has 1 to 32 of the characters a-z, 0-9, - and _",
      });
    }
    if (this.#members.has(room) || this.#joining.has(room)) {
      throw new CallerError("room-joined", `You are in ${room} already`);
    }
    if (this.#members.size + this.#joining.size < MAX_ROOMS_JOINED) return;
    throw new CallerError("too-many", `You are in ${MAX_ROOMS_JOINED} rooms: no more at a time`, {
      hint: "/leave one first",
    });
  }
}

/** A code and what it means, for people. */
type Words = Pick<Received<"error">, "code" | "message">;

/** Left by this side's wish, without the server's word for it. */
const LEFT: Words = { code: "left", message: "You left" };

/** A room is of the kind that this side knows: a server cannot turn a sealed room into an open one. */
function kindFault(
  { room, kind, keys, peer }: Received<"joined">,
  cipher?: RoomCipher,
): PeerError | undefined {
  const isOfKind = kind === (cipher?.kind ?? "open");
  // To the server, a direct room that one of the two has left is none any more.
  const isWithPeer = peer === undefined || sameName(peer, cipher?.peer ?? "");
  if (isOfKind && isWithPeer && (keys.length > 0) === (kind === "open")) return undefined;
  return new PeerError("room-inconsistent", `The server says that ${room} is of another kind`);
}
