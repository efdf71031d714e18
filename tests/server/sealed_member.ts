/**
 * What the tests of sealed rooms share: sessions that ask and commit with bytes that mean nothing,
 * since a server looks into none of them, and tokens under keys that the tests make.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import type { Credentials } from "../../lib/client/login.ts";
import { FernetKey } from "../../lib/fernet.ts";
import type { MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import { encodeParts } from "../../lib/protocol/parts.ts";
import type { Request, RequestOf, Result } from "../../lib/protocol/requests.ts";
import { RawMember, type TestServer } from "../attacks/server.ts";

const SENT_AT = "2026-01-01T00:00:00.000Z";

/** An answer: a result with its bytes, or an error's code. */
export interface Answered {
  result: Result | undefined;
  code: string | undefined;
  bytes: Uint8Array;
}

/** What a commit may say otherwise than the plainest one. */
export interface CommitWish {
  epoch?: number;
  adds?: string[];
  removes?: string[];
  promotes?: string[];
  demotes?: string[];
  welcomes?: { user: string; device: number }[];
  commit?: Uint8Array;
  welcome?: Uint8Array;
  state?: Uint8Array;
  id?: string;
  token?: string;
  sizes?: [number, number, number];
  lease?: number;
  /** Its bytes were staged before. */
  isStaged?: boolean;
}

/** The Fernet key of a room's epoch, as the tests make them: the same for everyone who asks. */
const keys = new Map<string, FernetKey>();
export function epochKey(room: string, epoch: number): FernetKey {
  const name = `${room}/${epoch}`;
  const key = keys.get(name) ?? FernetKey.generate();
  keys.set(name, key);
  return key;
}

/** Bytes of a size that are not all alike. */
export function bytesOf(size: number, seed = 7): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) % 251);
}

/** A session of somebody's; what comes while it waits for an answer is kept in its inbox. */
export class SealedMember implements Disposable {
  readonly inbox: ServerMessage[] = [];
  readonly user: string;
  device = 0;
  lease = 0;
  readonly #raw: RawMember;
  #asked = 0;
  #said = 0;

  private constructor(raw: RawMember, user: string) {
    this.#raw = raw;
    this.user = user;
  }

  /** Logs in; holds no device yet. */
  static async enter(server: TestServer, who: Credentials): Promise<SealedMember> {
    return new SealedMember(await RawMember.join(server.port, who), who.username);
  }

  /** The same with a device. */
  static async withDevice(server: TestServer, who: Credentials): Promise<SealedMember> {
    const member = await SealedMember.enter(server, who);
    await member.takeDevice();
    return member;
  }

  get raw(): RawMember {
    return this.#raw;
  }

  /** Leases a device, the one that is named if there is one. */
  async takeDevice(
    wish: { device?: number; lease?: number; fresh?: true } = {},
  ): Promise<string | number> {
    const { result, code } = await this.ask({ do: "lease", ...wish });
    if (result === undefined) return code as string;
    assert.ok(result.is === "lease");
    [this.device, this.lease] = [result.device, result.lease];
    return result.device;
  }

  /** Stages bytes for the next request. */
  stage(bytes: Uint8Array): void {
    for (const data of encodeParts(bytes)) this.#raw.say({ type: "part", data });
  }

  /** Asks, with bytes before it, and waits for the answer. */
  async ask(request: Request, ...parts: Uint8Array[]): Promise<Answered> {
    return await this.answerTo(this.put(request, ...parts));
  }

  /** Asks without waiting; gives the number of the request. */
  put(request: Request, ...parts: Uint8Array[]): number {
    this.stage(Buffer.concat(parts));
    this.#asked += 1;
    this.#raw.say({ type: "request", ref: this.#asked, request });
    return this.#asked;
  }

  /** Waits for the answer to a request. */
  async answerTo(ref: number): Promise<Answered> {
    const data: Uint8Array[] = [];
    for (;;) {
      const message = await this.#raw.hear();
      if (!("ref" in message) || message.ref !== ref) this.inbox.push(message);
      else if (message.type === "part") data.push(Buffer.from(message.data, "base64url"));
      else {
        return {
          result: message.type === "reply" ? message.result : undefined,
          code: message.type === "error" ? message.code : undefined,
          bytes: Buffer.concat(data),
        };
      }
    }
  }

  /** The code of an answer, `done` for that result. */
  async try(request: Request, ...parts: Uint8Array[]): Promise<string> {
    const { result, code } = await this.ask(request, ...parts);
    return code ?? (result as Result).is;
  }

  /** Makes a sealed room; the code of the answer. */
  create(room: string, peer?: string, state = bytesOf(40)): Promise<string> {
    const key_id = epochKey(room, 0).id;
    const { device, lease } = this;
    const direct = peer === undefined ? {} : { peer };
    return this.try({ do: "create_sealed", room, ...direct, key_id, device, lease }, state);
  }

  /** Commits in a room; the code of the answer. */
  async commit(room: string, epoch: number, wish: CommitWish = {}): Promise<string> {
    const { code, result } = await this.answerTo(this.putCommit(room, epoch, wish));
    return code ?? (result as Result).is;
  }

  /** The same without waiting. */
  putCommit(room: string, epoch: number, wish: CommitWish = {}): number {
    const commit = wish.commit ?? bytesOf(100);
    const welcome = wish.welcome ?? new Uint8Array();
    const state = wish.state ?? new Uint8Array();
    const request: RequestOf<"commit"> = {
      do: "commit",
      room,
      epoch,
      key_id: epochKey(room, epoch + 1).id,
      id: wish.id ?? `commit-${crypto.randomUUID()}`,
      sent_at: SENT_AT,
      token: wish.token ?? epochKey(room, epoch).encrypt("a commit"),
      adds: wish.adds ?? [],
      removes: wish.removes ?? [],
      ...(wish.promotes === undefined ? {} : { promotes: wish.promotes }),
      ...(wish.demotes === undefined ? {} : { demotes: wish.demotes }),
      welcomes: wish.welcomes ?? [],
      device: this.device,
      lease: wish.lease ?? this.lease,
      sizes: wish.sizes ?? [commit.length, welcome.length, state.length],
    };
    return wish.isStaged ? this.put(request) : this.put(request, commit, welcome, state);
  }

  /** Adds people to a room, with a welcome for the first device of each. */
  async invite(room: string, epoch: number, ...people: string[]): Promise<void> {
    const welcomes = people.map((user) => ({ user, device: 1 }));
    const wish = { adds: people, welcomes, welcome: bytesOf(50, epoch) };
    assert.equal(await this.commit(room, epoch, wish), "done");
  }

  /** Joins a room that it may; deliveries begin after an entry. */
  async join(room: string, after = 0): Promise<MessageOf<ServerMessage, "joined">> {
    this.#raw.say({ type: "join", room, after });
    return await this.next("joined") as MessageOf<ServerMessage, "joined">;
  }

  /** Tries to join a room; the code of the refusal. */
  async tryJoin(room: string, after?: number): Promise<string> {
    this.#raw.say({ type: "join", room, ...(after === undefined ? {} : { after }) });
    return (await this.next("error") as MessageOf<ServerMessage, "error">).code;
  }

  /** Says something under an epoch's key, without waiting. */
  say(room: string, epoch: number, text = "hello"): string {
    const key = epochKey(room, epoch);
    const id = `${this.user}-${this.device}-${++this.#said}`;
    const token = key.encrypt(text);
    this.#raw.say({ type: "send", room, id, sent_at: SENT_AT, key_id: key.id, token });
    return id;
  }

  /** Says something; its `seq`, or why it was refused. */
  async post(room: string, epoch: number, text?: string): Promise<number | string> {
    const id = this.say(room, epoch, text);
    const answer = await this.next("ack", "error");
    assert.ok((answer.type === "ack" || answer.type === "error") && answer.id === id);
    return answer.type === "ack" ? answer.seq : answer.code;
  }

  /** The next message of one of these types; the others stay in the inbox. */
  async next(...types: ServerMessage["type"][]): Promise<ServerMessage> {
    const at = this.inbox.findIndex(({ type }) => types.includes(type));
    if (at >= 0) return this.inbox.splice(at, 1)[0] as ServerMessage;
    for (;;) {
      const message = await this.#raw.hear();
      if (types.includes(message.type)) return message;
      this.inbox.push(message);
    }
  }

  /** What comes next of all, from the inbox first. */
  async hear(): Promise<ServerMessage> {
    return this.inbox.shift() ?? await this.#raw.hear();
  }

  /** Everything that came so far, each as a short text; the inbox is empty then. */
  async heard(): Promise<string[]> {
    const mark = this.put({ do: "back" });
    await this.answerTo(mark);
    return this.inbox.splice(0).map(describe);
  }

  [Symbol.dispose](): void {
    this.#raw[Symbol.dispose]();
  }
}

function describe(message: ServerMessage): string {
  switch (message.type) {
    case "commit_part":
      return `commit_part ${message.room} ${Buffer.from(message.data, "base64url").length}`;
    case "message":
    case "past":
      return `${message.type} ${message.room} ${message.seq} ${message.sender}`;
    case "left":
      return `left ${message.room} ${message.code}`;
    case "added":
      return ["added", message.room, message.by, message.peer ?? ""].join(" ").trimEnd();
    case "ack":
      return `ack ${message.room} ${message.seq}`;
    case "error":
      return `error ${message.code}`;
    default:
      return message.type;
  }
}
