/**
 * One sender to a hundred clients. The server is its own process, as people run it; all clients share
 * this one and use the SDK. CPU time tells which of the two was the limit; with clients on other
 * machines, only the server's counts.
 *
 *     deno run -A tests/bench/server_bench.ts
 *
 * @module
 */

import { type ChatConnection, connect } from "../../lib/client/connection.ts";
import { addUser, ServerProgram } from "../scenario/programs.ts";
import { cpuSeconds, residentMiB } from "./gauges.ts";
import { median, printRow, quantile } from "./table.ts";

const CLIENTS = 100;
const GENTLE_MESSAGES = 300; // one after the other
const WARM_UP_MESSAGES = 50; // before them, not counted
const FLOOD_MESSAGES = 600; // with the window full: fits any queue, should one client stall
const ACKED_ONE_BY_ONE = 300;
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(2); // 90 bytes
const WHO = { username: "bench", password: "a password for the bench" };

/** Milliseconds after which a step is stuck. */
const PATIENCE_MS = 60_000;

/** Connections to one server whose messages are counted. */
class Crowd implements AsyncDisposable {
  readonly chats: ChatConnection[] = [];
  readonly #port: number;
  #leaving = false;
  #missing = 0;
  #stepped = Promise.withResolvers<void>();
  /** Called at each message, at each connection. */
  #arrived: (id: string) => void = () => {};

  constructor(port: number) {
    this.#port = port;
  }

  /** Logs in more connections, one by one: key stretching is work of this process. */
  async grow(size: number): Promise<void> {
    while (this.chats.length < size) {
      const chat = await connect({ port: this.#port, ...WHO, sealed: false, reconnectForMs: 0 });
      this.chats.push(chat);
      this.#follow(chat).catch((error) => this.#stepped.reject(error));
      progress(`${this.chats.length} of ${size} clients logged in`);
    }
    progress();
  }

  async shrink(size: number): Promise<void> {
    this.#leaving = true;
    await Promise.all(this.chats.splice(size).map((chat) => chat.close()));
    this.#leaving = false;
  }

  /** Does something and waits until this many messages have arrived, over all connections. */
  async expect(
    deliveries: number,
    act: () => Promise<unknown>,
    arrived: (id: string) => void = () => {},
  ): Promise<void> {
    this.#stepped = Promise.withResolvers();
    this.#missing = deliveries;
    this.#arrived = arrived;
    if (deliveries === 0) this.#stepped.resolve();
    const late = Promise.withResolvers<never>();
    const stuck = (): void => late.reject(new Error(`${this.#missing} deliveries are missing`));
    const timer = setTimeout(stuck, PATIENCE_MS);
    try {
      await Promise.race([Promise.all([act(), this.#stepped.promise]), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #follow(chat: ChatConnection): Promise<void> {
    for await (const event of chat) {
      if (event.type === "message") this.#count(event.id);
      if (event.type === "error") throw new Error(`A client says: ${event.message}`);
      if (event.type === "closed" && !this.#leaving) {
        throw new Error(`A client was cut off: ${event.reason}: ${event.message}`);
      }
    }
  }

  #count(id: string): void {
    this.#arrived(id);
    if (--this.#missing === 0) this.#stepped.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.shrink(0);
  }
}

/** Delivery times in milliseconds, of each message's first, each and last arrival. */
interface Latencies {
  first: number[];
  each: number[];
  last: number[];
}

/** One sender, a hundred others: the next message when all have the previous one. */
async function measureLatency(crowd: Crowd): Promise<Latencies> {
  const latencies: Latencies = { first: [], each: [], last: [] };
  for (let index = 0; index < WARM_UP_MESSAGES; index++) await timeArrivals(crowd);
  for (let index = 0; index < GENTLE_MESSAGES; index++) {
    const times = await timeArrivals(crowd);
    latencies.first.push(times[0]!);
    latencies.each.push(...times);
    latencies.last.push(times.at(-1)!);
  }
  return latencies;
}

async function timeArrivals(crowd: Crowd): Promise<number[]> {
  const times: number[] = [];
  const sender = crowd.chats[0]!;
  let start = 0;
  const act = (): Promise<unknown> => {
    start = performance.now();
    return sender.send(TEXT);
  };
  await crowd.expect(crowd.chats.length - 1, act, () => times.push(performance.now() - start));
  return times;
}

/** What a load took. Times in seconds. */
interface Load extends Usage {
  messages: number;
  deliveries: number;
  acked: number;
}

/** Time on the clock and on the processors, in seconds. */
interface Usage {
  seconds: number;
  serverCpu: number;
  clientsCpu: number;
}

async function meter(pid: number, work: () => Promise<unknown>): Promise<Usage> {
  const server = cpuSeconds(pid);
  const clients = cpuSeconds("self");
  const start = performance.now();
  await work();
  return {
    seconds: (performance.now() - start) / 1000,
    serverCpu: cpuSeconds(pid) - server,
    clientsCpu: cpuSeconds("self") - clients,
  };
}

/** One sends as fast as its window lets it; resolves when all others have all of it. */
async function measureFlood(crowd: Crowd, pid: number): Promise<Load> {
  const messages = FLOOD_MESSAGES;
  const deliveries = messages * (crowd.chats.length - 1);
  const start = performance.now();
  let acked = 0;
  const usage = await meter(pid, () =>
    crowd.expect(deliveries, async () => {
      await sendMany(crowd.chats[0]!, messages);
      acked = (performance.now() - start) / 1000;
    }));
  return { messages, deliveries, acked, ...usage };
}

/** Sends with the window full; resolves at the last ack. */
async function sendMany(chat: ChatConnection, count: number): Promise<void> {
  const acks: Promise<unknown>[] = [];
  for (let index = 0; index < count; index++) {
    await chat.writable();
    acks.push(chat.send(TEXT));
  }
  await Promise.all(acks);
}

async function measureAcks(chat: ChatConnection): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < ACKED_ONE_BY_ONE; index++) {
    const start = performance.now();
    await chat.send(TEXT);
    times.push(performance.now() - start);
  }
  return times;
}

function progress(line = ""): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(utf8(`\r\x1b[K${line}`));
  else if (/^(1|\d*[05]0) of /.test(line)) console.error(line);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function printLatencies({ first, each, last }: Latencies): void {
  console.log(`\n1 sender, ${CLIENTS} clients, the next message when all have the previous one`);
  console.log("from send() to the message event, ms\n");
  printRow("", ["median", "p99"], 12);
  const rows = [["the first to get it", first], ["each", each], ["the last", last]] as const;
  for (const [name, times] of rows) {
    printRow(name, [median(times).toFixed(2), quantile(times, 0.99).toFixed(2)], 12);
  }
}

function printFlood({ messages, deliveries, seconds, acked, ...usage }: Load): void {
  const { serverCpu, clientsCpu } = usage;
  console.log(`\nThe same with its window full, ${TEXT.length} bytes a text`);
  console.log("server, clients: CPU time of the process, of one core\n");
  const share = (cpu: number): string => `${Math.round(cpu / seconds * 100)} %`;
  const rates = [messages / acked, deliveries / seconds].map((rate) => rate.toFixed(0));
  printRow("", ["acked/s", "deliv./s", "server", "clients"], 12);
  printRow("", [...rates, share(serverCpu), share(clientsCpu)], 12);
}

function printCosts(name: string, { serverCpu, clientsCpu }: Usage, count: number): void {
  const micros = (cpu: number): string => `${(cpu / count * 1e6).toFixed(0)} µs`;
  printRow(name, [micros(serverCpu), micros(clientsCpu)], 12);
}

function printMemory(alone: number, full: number): void {
  const each = (full - alone) / CLIENTS * 1024;
  console.log(
    `\nServer's memory (RSS): ${alone.toFixed(0)} MiB with one client, ${full.toFixed(0)} MiB ` +
      `with ${CLIENTS} more: ${each.toFixed(0)} KiB each`,
  );
}

async function measureMemory(crowd: Crowd, pid: number): Promise<void> {
  await crowd.grow(1);
  const alone = residentMiB(pid);
  await crowd.grow(CLIENTS + 1);
  printMemory(alone, residentMiB(pid));
}

async function measureAll(crowd: Crowd, { pid }: ServerProgram): Promise<void> {
  await measureMemory(crowd, pid);
  let latencies: Latencies | undefined;
  const gentle = await meter(pid, async () => latencies = await measureLatency(crowd));
  printLatencies(latencies!);
  const flood = await measureFlood(crowd, pid);
  printFlood(flood);
  console.log("\nCPU time a delivery\n");
  printRow("", ["server", "clients"], 12);
  printCosts("one after the other", gentle, (WARM_UP_MESSAGES + GENTLE_MESSAGES) * CLIENTS);
  printCosts("window full", flood, flood.deliveries);
  await crowd.shrink(1);
  const acks = await measureAcks(crowd.chats[0]!);
  console.log(
    `\nAlone, one after the other: acked after ${median(acks).toFixed(2)} ms ` +
      `(median; p99 ${quantile(acks, 0.99).toFixed(2)} ms)`,
  );
  console.log(`Server's memory at the end: ${residentMiB(pid).toFixed(0)} MiB`);
}

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "fernchat-bench-" });
  try {
    const db = `${folder}/chat_logs.db`;
    await addUser(db, WHO.username, WHO.password);
    await using server = await ServerProgram.start(["--db", db]);
    await using crowd = new Crowd(server.port);
    await measureAll(crowd, server);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

await main();
