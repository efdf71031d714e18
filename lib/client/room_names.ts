/**
 * What people call rooms: a direct room by its person, `@bob`. Its own name, `dm-` and sixteen
 * digits, tells nobody anything, and is for programs.
 *
 * @module
 */

/** A direct room's name in a sentence. */
const DIRECT = /\bdm-[0-9a-f]{16}\b/g;

/** A room, and of a direct one with whom it is. */
export interface CalledRoom {
  room: string;
  peer?: string | undefined;
}

/** `physics`, or `@bob`. */
export function nameOfRoom({ room, peer }: CalledRoom): string {
  return peer === undefined ? room : `@${peer}`;
}

/** Where rooms are looked up. */
export interface KnowsRooms {
  readonly rooms: readonly CalledRoom[];
  /** With whom a direct room is that could not be entered, by the server's word. */
  readonly sealed?: { peerOf(room: string): string | undefined };
}

/** The names of rooms that a client is in, or was in. */
export class RoomNames {
  readonly #chat: KnowsRooms;
  /** Of direct rooms. */
  readonly #seen = new Map<string, string>();

  constructor(chat: KnowsRooms) {
    this.#chat = chat;
  }

  /** What a room is called; by its own name if nobody knows another. */
  of(room: string): string {
    const found = this.#chat.rooms.find((one) => one.room === room);
    if (found !== undefined) this.learn(found);
    return this.#seen.get(room) ?? nameOfRoom({ room, peer: this.#chat.sealed?.peerOf(room) });
  }

  /** Takes note of a room that an event tells of. */
  learn(called: CalledRoom): void {
    if (called.peer !== undefined) this.#seen.set(called.room, nameOfRoom(called));
  }

  /** A sentence of the program's own, with what its rooms are called. */
  in(sentence: string): string {
    return sentence.replace(DIRECT, (room) => this.of(room));
  }

  /**
   * What is said about a room, for someone who may be looking at another one: `physics: …`, unless
   * the sentence names the room itself.
   */
  about(room: string | undefined, sentence: string, here: string | undefined): string {
    const said = this.in(sentence);
    if (room === undefined || room === here) return said;
    const isNamed = said.split(/[^\w@.-]+/).includes(this.of(room));
    return isNamed ? said : `${this.of(room)}: ${said}`;
  }
}
