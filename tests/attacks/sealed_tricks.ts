/**
 * What the tests of malicious servers share: rooms to begin with, answers that are not the real
 * server's, and an attacker's own devices and groups, made with all that an attacker can have.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { MembershipChange, RoomPolicy } from "../../lib/mls/group.ts";
import { Group } from "../../lib/mls/group.ts";
import { type ForeignKeyPackage, readKeyPackage } from "../../lib/mls/key_package.ts";
import { chainNext } from "../../lib/log/chain.ts";
import type { Head } from "../../lib/log/message_log.ts";
import type { ClientMessage, MessageOf, ServerMessage } from "../../lib/protocol/messages.ts";
import type { Request, RequestOf, Result } from "../../lib/protocol/requests.ts";
import type { Device } from "../mls/people.ts";
import type { Ear } from "./sealed_ear.ts";
import { type Liar, partsOf, type Wire } from "./sealed_liar.ts";

/** The room of most tests. */
export const ROOM = "physics";

/** Clients of these, all in one sealed room; the first one has made it. */
export async function meet<const N extends readonly string[]>(
  liar: Liar,
  ...users: N
): Promise<{ -readonly [At in keyof N]: Ear }> {
  const ears: Ear[] = [];
  for (const user of users) ears.push(await liar.enter(user));
  const [first, ...others] = ears as [Ear, ...Ear[]];
  await first.chat.sealed.create(ROOM);
  if (others.length > 0) await first.chat.sealed.invite(ROOM, users.slice(1));
  await Promise.all(others.map((ear) => ear.hears("joined", ({ room }) => room === ROOM)));
  return ears as { [At in keyof N]: Ear };
}

/** An answer with its bytes; or the code of a refusal; or none ever. */
export type Answer = { result: Result; bytes?: Uint8Array } | { code: string } | "silence";

/** Answers some of one's requests in the place of the real server; undefined leaves one to it. */
export function answer<D extends Request["do"]>(
  liar: Liar,
  user: string,
  wanted: D,
  lie: (request: RequestOf<D>, wire: Wire) => Answer | undefined,
): void {
  const { toServer } = liar;
  liar.toServer = (message, wire) => {
    const rest = toServer?.(message, wire) ?? [message];
    if (message.type !== "request" || message.request.do !== wanted || wire.user !== user) {
      return rest;
    }
    const answered = lie(message.request as RequestOf<D>, wire);
    if (answered === undefined) return rest;
    if (answered !== "silence") wire.say(...toMessages(message.ref, answered));
    return [];
  };
}

function toMessages(ref: number, answered: Exclude<Answer, "silence">): ServerMessage[] {
  if ("code" in answered) return [{ type: "error", code: answered.code, message: "No.", ref }];
  const { result, bytes = new Uint8Array() } = answered;
  return [...partsOf(ref, bytes), { type: "reply", ref, result }];
}

/** Key packages as an answer to who asks for them. */
export function packages(...of: readonly { user: string; bytes: Uint8Array }[]): Answer {
  const list = of.map(({ user, bytes }, at) => ({ user, device: at + 1, size: bytes.length }));
  return {
    result: { is: "packages", packages: list },
    bytes: new Uint8Array(Buffer.concat(of.map(({ bytes }) => bytes))),
  };
}

/** Hands out these in the place of whatever one asks for. */
export function handOut(liar: Liar, to: string, ...of: readonly Device[]): void {
  const all = packages(...of.map(({ package: { user, bytes } }) => ({ user, bytes })));
  answer(liar, to, "claim", () => all);
  answer(liar, to, "look", () => all);
}

/** A key package that one's device has published. */
export async function packageOf(liar: Liar, user: string): Promise<ForeignKeyPackage> {
  const [row] = liar.sql<{ data: Uint8Array }>(
    "SELECT data FROM key_packages WHERE account = ? ORDER BY id DESC LIMIT 1",
    user,
  );
  return await readKeyPackage((row as { data: Uint8Array }).data);
}

/** A group that an attacker makes, after some epochs, and a welcome to it for one who knows nothing. */
export async function trap(
  liar: Liar,
  attacker: Device,
  policy: Omit<RoomPolicy, "admins">,
  victim: string,
  epochs = 0,
): Promise<{ welcome: Uint8Array; group: Group; change: MembershipChange }> {
  const admins = [attacker.identity.publicKey];
  let group = await Group.create(attacker.keys, { ...policy, admins });
  for (let epoch = 0; epoch < epochs; epoch++) group = (await group.commit({})).next;
  const made = await group.commit({ add: [await packageOf(liar, victim)] });
  return { welcome: made.welcome as Uint8Array, group: made.next, change: made.change };
}

/** Messages to one client that the liar keeps back. */
export interface Held {
  readonly messages: ServerMessage[];
  /** Resolves when something is held for which this holds. */
  until(holds: (message: ServerMessage) => boolean): Promise<void>;
  /** Gives these instead, in this order, and holds nothing more. */
  release(...messages: readonly ServerMessage[]): void;
}

/** Keeps back what the room's log brings one client from now on. */
export function hold(liar: Liar, user: string): Held {
  const messages: ServerMessage[] = [];
  let changed = Promise.withResolvers<void>();
  const { toClient } = liar;
  liar.toClient = (message, wire) => {
    const isOfLog = message.type === "message" || message.type === "commit_part";
    if (wire.user !== user || !isOfLog) return toClient?.(message, wire) ?? [message];
    messages.push(message);
    changed.resolve();
    changed = Promise.withResolvers();
    return [];
  };
  return {
    messages,
    async until(holds): Promise<void> {
      while (!messages.some(holds)) await changed.promise;
    },
    release(...instead): void {
      liar.toClient = toClient;
      liar.wire(user).say(...instead);
    },
  };
}

/** A message of the log with something else in it. */
export function altered(
  message: ServerMessage,
  change: Partial<MessageOf<ServerMessage, "message">>,
): ServerMessage {
  return { ...message, ...change } as ServerMessage;
}

/** A log as the liar shows it to somebody: whatever is in it, its chain is right. */
export class Fork {
  #head: Head;

  /** @param head from where on it is another one. */
  constructor(head: Head) {
    this.#head = head;
  }

  /** An entry as the next one of this log. */
  next(message: ServerMessage): ServerMessage {
    if (message.type !== "message") return message;
    const seq = this.#head.seq + 1;
    const { sender, room, id: messageId, sent_at: sentAt, key_id: keyId, token } = message;
    const entry = { seq, sender, room, messageId, sentAt, keyId, token };
    this.#head = { seq, chain: chainNext(this.#head.chain, entry) };
    return { ...message, ...this.#head };
  }

  /** The ack of a message that was sent, as the next entry. */
  ack(user: string, message: MessageOf<ClientMessage, "send">): ServerMessage {
    const { room, id } = message;
    this.next({ ...message, type: "message", sender: user, seq: 0, chain: "" });
    return { type: "ack", room, id, ...this.#head };
  }
}
