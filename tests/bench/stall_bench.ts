/**
 * What 199 readers of a room notice of the one among them who has stopped reading. Rounds with and
 * without one take turns in one run, so that whatever else the machine does meets both.
 *
 *     deno run -A tests/bench/stall_bench.ts
 *
 * @module
 */

import { addQuickAccounts, joinQuickly, type QuickMember } from "../attacks/quick_login.ts";
import { TempFolder } from "../attacks/server.ts";
import { send } from "../../lib/client/exchange.ts";
import { PeerError } from "../../lib/errors.ts";
import { FernetKey } from "../../lib/fernet.ts";
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import { decodeServerMessage } from "../../lib/protocol/messages.ts";
import { LOBBY, sealText } from "../../lib/rooms/open_room.ts";
import { ServerProgram } from "../scenario/programs.ts";
import { keepAlive } from "./keep_alive.ts";
import { printRow, quantile } from "./table.ts";

const READERS = 200;
const ROUNDS = 4; // with and without a stalled reader, each
/**
 * Messages of a round: more than the kernel and the server's queue take for one reader (some 250), and
 * not many more, since the server waits 10 s for a reader whom it sends away to read its good-bye.
 */
const MESSAGES = 320;
const WARM_UP_MESSAGES = 50;
const TEXT = "x".repeat(16_000);
const PAUSE_MS = 20;
const WHO = { username: "bench", password: "not a secret" };

/** Milliseconds after which a message is lost. */
const PATIENCE_MS = 60_000;

/** A reader that stops when it is told to. */
class Reader {
  readonly channel: SecureChannel;
  stalled = false;

  constructor({ channel }: QuickMember, arrived: () => void) {
    this.channel = channel;
    keepAlive(channel);
    this.#read(arrived).catch(broken.reject);
  }

  async #read(arrived: () => void): Promise<void> {
    while (!this.stalled) {
      const encoded = await this.channel.receive();
      if (encoded === null) throw new Error("A reader was sent away");
      if (isDelivery(encoded) && !this.stalled) arrived();
    }
  }

  /**
   * Reads on to the end, once it has stalled; returns the reason: the good-bye's, or that it came too
   * late for that.
   */
  async readToEnd(): Promise<string> {
    try {
      for (;;) {
        const encoded = await this.channel.receive();
        if (encoded === null) return "a close";
        const said = decodeServerMessage(encoded);
        if (said.type === "bye") return said.code;
      }
    } catch (error) {
      return error instanceof PeerError ? error.code : String(error);
    } finally {
      await this.channel.close();
    }
  }
}

const DELIVERY = new TextEncoder().encode('{"type":"message"');

/** Whether it is a `message`, without a look at all of it: 200 times 22 KB would take too long. */
function isDelivery(encoded: Uint8Array): boolean {
  return DELIVERY.every((byte, at) => encoded[at] === byte);
}

/** Rejects if anyone was sent away who read on, or a message was lost. */
const broken = Promise.withResolvers<never>();

/** One sender and its readers. */
class Room {
  readonly readers: Reader[] = [];
  readonly #port: number;
  readonly #sender: QuickMember;
  #missing = 0;
  #times: number[] = [];
  #start = 0;
  #all = Promise.withResolvers<void>();

  constructor(port: number, sender: QuickMember) {
    this.#port = port;
    this.#sender = sender;
    keepAlive(sender.channel);
    this.#ignoreAcks().catch(broken.reject);
  }

  async fill(): Promise<void> {
    while (this.readers.length < READERS) {
      const member = await joinQuickly(this.#port, WHO);
      this.readers.push(new Reader(member, () => this.#arrived()));
    }
  }

  /** Milliseconds from the send to each reader, of so many messages one after the other. */
  async talk(messages: number): Promise<number[]> {
    this.#times = [];
    for (let index = 0; index < messages; index++) {
      await this.#say();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return this.#times;
  }

  async #say(): Promise<void> {
    this.#all = Promise.withResolvers();
    this.#missing = this.readers.filter((reader) => !reader.stalled).length;
    const late = setTimeout(() => broken.reject(new Error("A message was lost")), PATIENCE_MS);
    const message = this.#seal();
    this.#start = performance.now();
    send(this.#sender.channel, message);
    await this.#all.promise;
    clearTimeout(late);
  }

  #seal(): Parameters<typeof send>[1] {
    const [room, id, sent_at] = [LOBBY, crypto.randomUUID(), new Date().toISOString()];
    const key = FernetKey.parse(this.#sender.joined.keys[0] as string);
    const envelope = { room, id, sent_at, sender: WHO.username };
    const { keyId: key_id, token } = sealText(key, envelope, TEXT);
    return { type: "send", room, id, sent_at, key_id, token };
  }

  #arrived(): void {
    this.#times.push(performance.now() - this.#start);
    if (--this.#missing === 0) this.#all.resolve();
  }

  async #ignoreAcks(): Promise<void> {
    while (await this.#sender.channel.receive() !== null);
    throw new Error("The sender was sent away");
  }
}

/** The reader who was there first stalls: the server serves it before all others. */
async function stall(room: Room): Promise<number[]> {
  const [first] = room.readers as [Reader];
  first.stalled = true;
  const times = await room.talk(MESSAGES);
  const reason = await first.readToEnd();
  console.log(`The reader that stopped reading was sent away: ${reason}`);
  room.readers.shift();
  await room.fill();
  return times;
}

function print(name: string, times: number[]): void {
  const cells = [0.5, 0.99, 1].map((share) => quantile(times, share).toFixed(1));
  printRow(name, cells, 12);
}

/** Rounds with and without a stalled reader, in turn. */
async function measure(room: Room): Promise<void> {
  await room.fill();
  await room.talk(WARM_UP_MESSAGES);
  const [without, withOne]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    without.push(...await room.talk(MESSAGES));
    withOne.push(...await stall(room));
  }
  console.log(
    `\n1 sender, ${READERS} readers, ${TEXT.length} bytes a text: from send to each, ms\n`,
  );
  printRow("", ["median", "p99", "longest"], 12);
  print("all read", without);
  print("one has stopped reading", withOne);
  const ratios = [0.5, 0.99].map((share) => quantile(withOne, share) / quantile(without, share));
  printRow("ratio", [...ratios.map((ratio) => ratio.toFixed(2)), ""], 12);
  console.log("\nNobody else was sent away, and no message was lost");
}

async function main(): Promise<void> {
  using folder = new TempFolder();
  const db = folder.file("chat_logs.db");
  await addQuickAccounts(db, [WHO]);
  await using server = await ServerProgram.start(["--db", db]);
  const room = new Room(server.port, await joinQuickly(server.port, WHO));
  await Promise.race([measure(room), broken.promise]);
}

await main();
