/**
 * People who chat on, with the SDK, while a bench does other things to their server: how long their
 * messages take.
 *
 * @module
 */

import { type ChatConnection, connect } from "../../lib/client/connection.ts";
import type { Credentials } from "../../lib/client/login.ts";

/** Milliseconds from a message's last arrival to the next message. */
const PAUSE_MS = 250;

/** Milliseconds after which a message is lost. */
const PATIENCE_MS = 60_000;

/** Milliseconds from `send()` to the message event, by receiver. */
export type Latencies = Map<string, number[]>;

/** See the module's description. They take turns to speak, when all others have the last message. */
export class Bystanders implements AsyncDisposable {
  readonly #port: number;
  readonly #chats: ChatConnection[] = [];
  readonly #names = new Map<ChatConnection, string>();
  #latencies: Latencies = new Map();
  #arrived: (chat: ChatConnection, id: string) => void = () => {};
  #leaving = false;
  #talking: Promise<void> = Promise.resolve();
  #failure = Promise.withResolvers<never>();

  constructor(port: number) {
    this.#port = port;
    this.#failure.promise.catch(() => {}); // whoever waits for something is told
  }

  /** Logs in one more. `name` is for the latencies. */
  async join(name: string, who: Credentials): Promise<void> {
    const chat = await connect({ port: this.#port, ...who, sealed: false, reconnectForMs: 0 });
    this.#names.set(chat, name);
    this.#chats.push(chat);
    this.#follow(chat).catch(this.#failure.reject);
  }

  /** Begins to talk. Needs two. */
  start(): void {
    this.#talking = this.#talk();
    this.#talking.catch(this.#failure.reject);
  }

  /** What it took in the next `seconds`. Fails if a message was lost, or someone was cut off. */
  async measure(seconds: number): Promise<Latencies> {
    this.#latencies = new Map();
    await this.within(pause(seconds * 1_000));
    return this.#latencies;
  }

  /** Waits for something; fails with what goes wrong here meanwhile. */
  within<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#failure.promise]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving = true;
    await this.#talking.catch(() => {});
    await Promise.all(this.#chats.map((chat) => chat.close()));
  }

  async #talk(): Promise<void> {
    for (let turn = 0; !this.#leaving; turn++) {
      await this.#speak(this.#chats[turn % this.#chats.length] as ChatConnection);
      await pause(PAUSE_MS);
    }
  }

  async #speak(sender: ChatConnection): Promise<void> {
    const id = crypto.randomUUID();
    const missing = new Set(this.#chats.filter((chat) => chat !== sender));
    const all = Promise.withResolvers<void>();
    const lost = (): void => all.reject(new Error(`A message was lost on ${missing.size} ways`));
    const timer = setTimeout(lost, PATIENCE_MS);
    const start = performance.now();
    this.#arrived = (chat, arrived) => {
      if (arrived !== id || !missing.delete(chat)) return;
      this.#note(chat, performance.now() - start);
      if (missing.size === 0) all.resolve();
    };
    try {
      await Promise.all([
        sender.send("The quick brown fox jumps over it all", { id }),
        all.promise,
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  #note(chat: ChatConnection, milliseconds: number): void {
    const name = this.#names.get(chat) as string;
    const times = this.#latencies.get(name) ?? [];
    this.#latencies.set(name, times);
    times.push(milliseconds);
  }

  async #follow(chat: ChatConnection): Promise<void> {
    for await (const event of chat) {
      if (event.type === "message") this.#arrived(chat, event.id);
      if (event.type === "error") throw new Error(`A bystander is told: ${event.message}`);
      if (event.type === "closed" && !this.#leaving) {
        throw new Error(`A bystander was cut off: ${event.reason}: ${event.message}`);
      }
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
