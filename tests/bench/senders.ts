/**
 * Members who send as fast as their windows let them, in a process of its own. Each reads all that
 * the others say, as it must, but looks at acks alone: the server is to be the limit.
 *
 * @module
 */

import { joinQuickly, type QuickMember } from "../attacks/quick_login.ts";
import { send } from "../../lib/client/exchange.ts";
import { MAX_UNACKED } from "../../lib/client/outbox.ts";
import type { Credentials } from "../../lib/client/login.ts";
import { FernetKey } from "../../lib/fernet.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { keepAlive } from "./keep_alive.ts";
import { serve, Worker } from "./worker.ts";

/** The account of all senders. */
export const SENDERS: Credentials = { username: "senders", password: "not a secret" };

const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(2); // 90 bytes

/** Senders in a process of their own. */
export class Senders implements AsyncDisposable {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Logs in so many. */
  static async gather(port: number, count: number): Promise<Senders> {
    return new Senders(await Worker.start("senders.ts", [`${port}`, `${count}`]));
  }

  get pid(): number {
    return this.#worker.pid;
  }

  /** Each sends so many messages; resolves when each has its last ack. */
  async send(messages: number): Promise<void> {
    await this.#worker.ask(`${messages}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
  }
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const ACK = utf8('{"type":"ack"');
const COMMON = ["message", "presence", "pong"].map((type) => utf8(`{"type":"${type}"`));

class Sender {
  readonly #member: QuickMember;
  readonly #key: FernetKey;
  #unsent = 0;
  #unacked = 0;
  #done = Promise.withResolvers<void>();

  constructor(member: QuickMember) {
    this.#member = member;
    this.#key = FernetKey.parse(member.joined.keys[0] as string);
    keepAlive(member.channel);
    this.#read().catch((error) => this.#done.reject(error));
  }

  /** Resolves at the last ack. */
  async send(messages: number): Promise<void> {
    this.#done = Promise.withResolvers();
    this.#unsent = messages;
    this.#fillWindow();
    await this.#done.promise;
  }

  #fillWindow(): void {
    while (this.#unsent > 0 && this.#unacked < MAX_UNACKED) {
      this.#unsent -= 1;
      this.#unacked += 1;
      this.#say();
    }
  }

  #say(): void {
    const [room, id, sent_at] = [LOBBY, crypto.randomUUID(), new Date().toISOString()];
    const envelope = { room, id, sent_at, sender: SENDERS.username };
    const { keyId: key_id, token } = sealText(this.#key, envelope, TEXT);
    send(this.#member.channel, { type: "send", room, id, sent_at, key_id, token });
  }

  async #read(): Promise<never> {
    for (;;) {
      const encoded = await this.#member.channel.receive();
      if (encoded === null) throw new Error("A sender was sent away");
      if (!begins(encoded, ACK)) {
        if (COMMON.some((one) => begins(encoded, one))) continue;
        throw new Error(`A sender hears ${new TextDecoder().decode(encoded)}`);
      }
      this.#unacked -= 1;
      this.#fillWindow();
      if (this.#unacked === 0) this.#done.resolve();
    }
  }
}

function begins(encoded: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.every((byte, at) => encoded[at] === byte);
}

if (import.meta.main) {
  const [port, count] = Deno.args.map(Number) as [number, number];
  const senders: Sender[] = [];
  while (senders.length < count) senders.push(new Sender(await joinQuickly(port, SENDERS)));
  await serve(async (messages) => {
    await Promise.all(senders.map((sender) => sender.send(Number(messages))));
    return "done";
  });
}
