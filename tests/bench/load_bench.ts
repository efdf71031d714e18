/**
 * What bystanders notice of a crowd, of strangers who hold half a handshake, and of others who send
 * garbage; and what all of them cost the server in memory. Server, bystanders and each crowd are
 * processes of their own. Takes four minutes.
 *
 *     deno run -A tests/bench/load_bench.ts [SECONDS]      of the whole load; 120 by default
 *
 * @module
 */

import { addQuickAccounts } from "../attacks/quick_login.ts";
import { TempFolder } from "../attacks/server.ts";
import { addUser, ServerProgram } from "../scenario/programs.ts";
import { Bystanders, type Latencies } from "./bystanders.ts";
import { CROWD, Crowd, type CrowdStats } from "./crowds.ts";
import { cpuSeconds, freePort, liveMiB, residentMiB } from "./gauges.ts";
import { median, printRow, quantile } from "./table.ts";

const MEMBERS = 2_000;
const HALF_OPEN = 500;
const GARBAGE = 500;

/** Seconds of each phase but the whole load. */
const SHORT_PHASE_SECONDS = 20;
const LOAD_SECONDS = Number(Deno.args[0] ?? 120);
const SAMPLE_MS = 500;

/** All come from one address here; the other limits are the defaults. */
const FLAGS = ["--max-per-address", "4096"];

const WHO = { username: "bench", password: "a password for the bench" };

/** Who is first and who is last in the order in which the server delivers. */
const EARLY = "early";
const LATE = "late";

const COLUMNS = ["early", "p99", "late", "p99", "CPU", "RSS", "live"];

/** The server under load, and what is known of it. */
interface Scene {
  server: ServerProgram;
  inspectorPort: number;
  bystanders: Bystanders;
}

/** Measures one state of things, prints a row, and returns the samples of resident memory. */
async function phase(scene: Scene, name: string, seconds: number): Promise<number[]> {
  const { server: { pid }, inspectorPort, bystanders } = scene;
  const resident: number[] = [];
  const sampler = setInterval(() => resident.push(residentMiB(pid)), SAMPLE_MS);
  const cpu = cpuSeconds(pid);
  const start = performance.now();
  const latencies = await bystanders.measure(seconds);
  const share = (cpuSeconds(pid) - cpu) / (performance.now() - start) * 1_000;
  clearInterval(sampler);
  const live = await liveMiB(inspectorPort); // last: it stops the server for a moment
  const memory = [mean(resident), live].map((mib) => mib.toFixed(0));
  printRow(name, [...cells(latencies), `${Math.round(share * 100)} %`, ...memory], 8);
  return resident;
}

function cells(latencies: Latencies): string[] {
  return [EARLY, LATE].flatMap((who) => {
    const times = latencies.get(who);
    if (times === undefined) return ["", ""];
    return [median(times), quantile(times, 0.99)].map((time) => time.toFixed(1));
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Memory over the time of the whole load, in parts: what grows with time shows here. */
function printGrowth(resident: readonly number[]): void {
  const parts = 6;
  const size = Math.floor(resident.length / parts);
  const means = Array.from({ length: parts }, (_, at) => {
    return mean(resident.slice(at * size, (at + 1) * size)).toFixed(0);
  });
  console.log(`\nRSS over the whole load, in sixths of ${LOAD_SECONDS} s: ${means.join(", ")} MiB`);
}

function printStrangers(name: string, { opened, closed }: CrowdStats, seconds: number): void {
  const rate = (opened / seconds).toFixed(0);
  console.log(`${name}: ${opened} connections, ${rate} a second; ${closed} closed by the server`);
}

async function measureAll(scene: Scene): Promise<void> {
  const { server, bystanders } = scene;
  await bystanders.join(EARLY, WHO);
  await bystanders.join(EARLY, WHO);
  bystanders.start();
  await phase(scene, "three people's chat, alone", SHORT_PHASE_SECONDS);
  const gather = async (...crowd: Parameters<typeof Crowd.gather>): Promise<Crowd> =>
    await bystanders.within(Crowd.gather(...crowd));
  await using members = await gather("members", server.port, MEMBERS);
  await bystanders.join(LATE, WHO);
  await phase(scene, `+ ${MEMBERS} idle members`, SHORT_PHASE_SECONDS);
  const began = performance.now();
  await using halfOpen = await gather("half-open", server.port, HALF_OPEN);
  await using garbage = await gather("garbage", server.port, GARBAGE);
  const resident = await phase(scene, `+ ${HALF_OPEN} half-open, ${GARBAGE} garbage`, LOAD_SECONDS);
  const seconds = (performance.now() - began) / 1_000;
  const strangers = [await halfOpen.leave(), await garbage.leave()] as const;
  await phase(scene, "the strangers gone", SHORT_PHASE_SECONDS);
  const { closed } = await members.leave();
  await phase(scene, "the members gone", SHORT_PHASE_SECONDS);
  printGrowth(resident);
  printStrangers("Half-open", strangers[0], seconds);
  printStrangers("Garbage", strangers[1], seconds);
  console.log(`Members cut off: ${closed} of ${MEMBERS}`);
}

async function main(): Promise<void> {
  using folder = new TempFolder();
  const db = folder.file("chat_logs.db");
  await addUser(db, WHO.username, WHO.password);
  await addQuickAccounts(db, [CROWD]);
  const inspectorPort = freePort();
  const runtimeFlags = [`--inspect=127.0.0.1:${inspectorPort}`];
  await using server = await ServerProgram.start(["--db", db, ...FLAGS], { runtimeFlags });
  await using bystanders = new Bystanders(server.port);
  console.log("\nA message of bystanders, who were there first or came last, to each other,");
  console.log("from send() to the message event, ms: median, p99. The server's CPU (of one core)");
  console.log("and memory in MiB: resident on average, and live after a collection at the end\n");
  printRow("", COLUMNS, 8);
  await measureAll({ server, inspectorPort, bystanders });
}

await main();
