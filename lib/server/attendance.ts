/**
 * The rooms that one connection is in: joining, leaving, and which of them a message is for.
 *
 * @module
 */

import { PeerError } from "../errors.ts";
import { MAX_ROOMS_JOINED } from "../protocol/limits.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../protocol/messages.ts";
import type { Floor } from "./floor.ts";
import { Participant, type ParticipantOptions, type Place } from "./participant.ts";
import type { Presence } from "./presence.ts";
import type { RoomDirectory } from "./room_directory.ts";
import type { SealedService } from "./sealed/sealed_service.ts";
import { describeMute, type Standing } from "./standing.ts";

/** What an attendance works with. */
export interface AttendanceOptions extends Omit<ParticipantOptions, "onPutOut"> {
  directory: RoomDirectory;
  sealed: SealedService;
  presence: Presence;
  floor: Floor;
  /** What the account may do now. */
  standing(): Standing;
}

type Sent<T extends ClientMessage["type"]> = MessageOf<ClientMessage, T>;
type Refusal = Omit<MessageOf<ServerMessage, "error">, "type">;

/** See the module's description. */
export class Attendance {
  readonly #options: AttendanceOptions;
  readonly #rooms = new Map<string, Participant>();
  #ended = false;

  constructor(options: AttendanceOptions) {
    this.#options = options;
  }

  /** Whether it is in a room. */
  isIn(room: string): boolean {
    return this.#rooms.has(room);
  }

  /**
   * Joins a room, and tells so.
   *
   * @throws {PeerError} `message-unexpected` if it is there already.
   */
  async join(message: Sent<"join">): Promise<void> {
    const { presence, user } = this.#options;
    const { room } = message;
    if (this.isIn(room)) throw new PeerError("message-unexpected", `Joined ${room} already`);
    const place = this.#place(room);
    if (place === undefined) {
      return this.#refuse({ code: "room-unknown", message: `There is no room ${room} here`, room });
    }
    if (place.kind === "sealed" && message.after === undefined) {
      return this.#refuse({ code: "room-sealed", message: `${room} is a sealed room`, room });
    }
    if (this.#rooms.size >= MAX_ROOMS_JOINED) {
      const sentence = `Nobody can be in more than ${MAX_ROOMS_JOINED} rooms`;
      return this.#refuse({ code: "too-many-rooms", message: sentence, room });
    }
    const participant = await Participant.join(
      this.#optionsIn(room),
      message,
      () => this.#place(room) ?? place,
    );
    if (this.#ended) return participant.leave(); // sent away meanwhile
    this.#rooms.set(room, participant);
    presence.arrived(room, user);
    const { farewell } = participant;
    if (farewell !== undefined) this.remove(room, farewell.code, farewell.message); // put out meanwhile
  }

  /** Leaves a room when its acks are there, and tells so. */
  async leave({ room }: Sent<"leave">): Promise<void> {
    const participant = this.#rooms.get(room);
    if (participant === undefined) return this.#refuse(notJoined(room));
    await participant.settled();
    this.remove(room, "left", "You left");
  }

  /** Is put out of a room that it is in. */
  remove(room: string, code: string, message: string): void {
    const participant = this.#rooms.get(room);
    if (participant === undefined) return;
    participant.leave();
    this.#rooms.delete(room);
    this.#options.presence.departed(room, this.#options.user);
    this.#options.outbound.send({ type: "left", room, code, message });
  }

  /** Puts a message on its way, if it may be said; resolves when another may follow. */
  async post(message: Sent<"send">): Promise<void> {
    const { room, id } = message;
    const participant = this.#rooms.get(room);
    if (participant === undefined) return this.#refuse({ ...notJoined(room), id });
    const refusal = this.#refusal(room);
    if (refusal !== undefined) return this.#refuse({ ...refusal, room, id });
    this.#options.presence.setBack(this.#options.user); // who speaks is not away
    await participant.post(message);
  }

  /** Answers a request for history; resolves when the answer is on its way. */
  async history(message: Sent<"history">): Promise<void> {
    const participant = this.#rooms.get(message.room);
    if (participant === undefined) return this.#refuse(notJoined(message.room));
    await participant.history(message);
  }

  /** Resolves when all posts so far were acked or refused. */
  async settled(): Promise<void> {
    await Promise.all([...this.#rooms.values()].map((participant) => participant.settled()));
  }

  /** Gets no more deliveries from anywhere. */
  end(): void {
    this.#ended = true;
    for (const [room, participant] of this.#rooms) {
      participant.leave();
      this.#options.presence.departed(room, this.#options.user);
    }
    this.#rooms.clear();
  }

  /** The room as this account may join it now. */
  #place(room: string): Place | undefined {
    const { directory, sealed, user } = this.#options;
    const open = directory.look(room);
    return open === undefined ? sealed.placeOf(room, user) : { ...open, since: 0 };
  }

  /** What is refused was not said: its place in a slow room is free again. */
  #optionsIn(room: string): ParticipantOptions {
    const { floor, user, onRefused } = this.#options;
    return {
      ...this.#options,
      onPutOut: (room, { code, message }) => this.remove(room, code, message),
      onRefused: (error) => {
        floor.giveBack(room, user);
        onRefused(error);
      },
    };
  }

  /** Why the account may not write to a room now, if it may not. Nobody is muted in sealed ones. */
  #refusal(room: string): Pick<Refusal, "code" | "message"> | undefined {
    const { floor, directory, standing, user } = this.#options;
    const settings = directory.find(room);
    if (settings === undefined) return undefined;
    const { mute, role } = standing();
    if (mute !== undefined && !isOver(mute.until)) {
      return { code: "muted", message: describeMute(mute) };
    }
    const slow = role === "operator" ? 0 : settings.slow;
    const wait = slow === 0 ? 0 : floor.take(room, user, slow);
    if (wait === 0) return undefined;
    return { code: "slow-mode", message: `${room} is slow: write again in ${wait} s` };
  }

  #refuse(refusal: Refusal): void {
    this.#options.outbound.send({ type: "error", ...refusal });
  }
}

function isOver(until: string | undefined): boolean {
  return until !== undefined && Date.parse(until) <= Date.now();
}

function notJoined(room: string): Refusal {
  return { code: "room-not-joined", message: `You are not in ${room}`, room };
}
