/**
 * The server under load: one sender to a hundred clients, then a hundred, ten and one senders. The
 * server is its own process, as people run it; all clients share this one and use the SDK. CPU time
 * tells which of the two was the limit; with clients on other machines, only the server's counts.
 *
 *     deno run -A tests/bench/server_bench.ts
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { type ChatConnection, connect } from "../../lib/client/connection.ts";
import { addUser, ServerProgram } from "../scenario/programs.ts";
import { cpuSeconds, residentMiB } from "./gauges.ts";
import { median, printRow, quantile } from "./table.ts";

const CLIENTS = 100;
const GENTLE_MESSAGES = 300; // one after the other
const WARM_UP_MESSAGES = 50; // before them, not counted
const FLOOD_MESSAGES = 600; // with the window full: fits any queue, should one client stall
/** Each message also goes to all other senders: fewer of them take as long. */
const LOADS = [
  { senders: 100, messages: 600 },
  { senders: 10, messages: 3_000 },
  { senders: 1, messages: 8_000 },
];
const BATCHED_MESSAGES = 600;
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
      const chat = await connect({ port: this.#port, ...WHO, reconnectForMs: 0 });
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

/** The first `senders` connections send as fast as their windows let them. */
async function measureLoad(crowd: Crowd, pid: number, senders: number, n: number): Promise<Load> {
  const deliveries = n * (crowd.chats.length - 1);
  const start = performance.now();
  let acked = 0;
  const usage = await meter(pid, () =>
    crowd.expect(deliveries, async () => {
      await sendFromAll(crowd, senders, n);
      acked = (performance.now() - start) / 1000;
    }));
  return { messages: n, deliveries, acked, ...usage };
}

async function sendFromAll(crowd: Crowd, senders: number, messages: number): Promise<void> {
  const sending = crowd.chats.slice(0, senders);
  await Promise.all(sending.map((chat) => sendMany(chat, messages / senders)));
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

/**
 * The mean number of messages in a commit. Seen from outside, in the write-ahead log: a frame that
 * ends a commit says how many pages the database has then, the others say 0
 * (https://sqlite.org/fileformat2.html#walformat). An open reader keeps the log from being
 * restarted meanwhile, which costs time: the load is a run of its own.
 */
async function measureBatches(crowd: Crowd, db: string, senders: number): Promise<number> {
  using reader = new DatabaseSync(db, { readOnly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM messages").get();
  const before = countCommits(`${db}-wal`);
  const deliveries = BATCHED_MESSAGES * (crowd.chats.length - 1);
  await crowd.expect(deliveries, () => sendFromAll(crowd, senders, BATCHED_MESSAGES));
  return BATCHED_MESSAGES / (countCommits(`${db}-wal`) - before);
}

function countCommits(path: string): number {
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  const frameBytes = 24 + view.getUint32(8); // its header, and a page
  const salt = view.getBigUint64(16); // frames of before the last restart have another one
  let commits = 0;
  for (let at = 32; at + frameBytes <= bytes.length; at += frameBytes) {
    if (view.getBigUint64(at + 8) !== salt) break;
    if (view.getUint32(at + 4) !== 0) commits += 1;
  }
  return commits;
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

const LOAD_COLUMNS = ["acked/s", "deliv./s", "server", "clients", "batch"];

function printLoad(name: string, load: Load, batch: number): void {
  const { messages, deliveries, seconds, acked, serverCpu, clientsCpu } = load;
  const share = (cpu: number): string => `${Math.round(cpu / seconds * 100)} %`;
  const rates = [messages / acked, deliveries / seconds].map((rate) => rate.toFixed(0));
  printRow(name, [...rates, share(serverCpu), share(clientsCpu), batch.toFixed(1)], 10);
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

/** Returns what the loads took, by name. */
async function measureLoads(crowd: Crowd, pid: number, db: string): Promise<Map<string, Load>> {
  console.log(`\nWindows full, ${TEXT.length} bytes a text; a message goes to all but its sender`);
  console.log("server, clients: CPU time of the process, of one core; batch: messages a commit\n");
  printRow("", LOAD_COLUMNS, 10);
  const loads = new Map<string, Load>();
  const run = async (name: string, senders: number, messages: number): Promise<void> => {
    const load = await measureLoad(crowd, pid, senders, messages);
    printLoad(name, load, await measureBatches(crowd, db, senders));
    loads.set(name, load);
  };
  await run(`1 sender to ${CLIENTS}`, 1, FLOOD_MESSAGES);
  for (const { senders, messages } of LOADS) {
    await crowd.shrink(senders);
    await run(senders === 1 ? "1 sender alone" : `${senders} senders alone`, senders, messages);
  }
  return loads;
}

async function measureAll(crowd: Crowd, { pid }: ServerProgram, db: string): Promise<void> {
  await measureMemory(crowd, pid);
  let latencies: Latencies | undefined;
  const gentle = await meter(pid, async () => latencies = await measureLatency(crowd));
  printLatencies(latencies!);
  const loads = await measureLoads(crowd, pid, db);
  console.log("\nCPU time a delivery (alone: a message)\n");
  printRow("", ["server", "clients"], 12);
  printCosts("one after the other", gentle, (WARM_UP_MESSAGES + GENTLE_MESSAGES) * CLIENTS);
  for (const [name, load] of loads) printCosts(name, load, load.deliveries || load.messages);
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
    await measureAll(crowd, server, db);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

await main();
