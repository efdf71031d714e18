/**
 * Messages a second that the server acks, which means that they are on disk, from 1, 10 and 100
 * senders with full windows; and how many share a commit. Each sender is in the room, so that the
 * server also sends each message to all others. Server and senders are a process each.
 *
 *     deno run -A tests/bench/throughput_bench.ts
 *
 * @module
 */

import { addQuickAccounts } from "../attacks/quick_login.ts";
import { TempFolder } from "../attacks/server.ts";
import { ServerProgram } from "../scenario/programs.ts";
import { countCommits } from "./commits.ts";
import { cpuSeconds } from "./gauges.ts";
import { SENDERS, Senders } from "./senders.ts";
import { median, printRow } from "./table.ts";

/** Each message goes to all others, so that many senders take longer for fewer. */
const LOADS = [
  { senders: 1, each: 20_000 },
  { senders: 10, each: 2_000 },
  { senders: 100, each: 400 },
];
const WARM_UP_MESSAGES = 100; // of each
const ROUNDS = 3; // the one in the middle counts

/** Neither the limit of an account nor that of a slow reader: how fast it goes is the question. */
const FLAGS = ["--max-rate", "1000000", "--max-queue", `${64 * 1024 * 1024}`];

const COLUMNS = ["acked/s", "deliv./s", "server", "senders", "batch"];

/** One round. CPU times as parts of a core. */
interface Round {
  acked: number;
  serverCpu: number;
  sendersCpu: number;
}

async function measureRound(
  { pid }: ServerProgram,
  senders: Senders,
  messages: number,
  work: () => Promise<void>,
): Promise<Round> {
  const [server, clients] = [cpuSeconds(pid), cpuSeconds(senders.pid)];
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1_000;
  return {
    acked: messages / seconds,
    serverCpu: (cpuSeconds(pid) - server) / seconds,
    sendersCpu: (cpuSeconds(senders.pid) - clients) / seconds,
  };
}

async function measureLoad(count: number, each: number): Promise<void> {
  using folder = new TempFolder();
  const db = folder.file("chat_logs.db");
  await addQuickAccounts(db, [SENDERS]);
  await using server = await ServerProgram.start(["--db", db, ...FLAGS]);
  await using senders = await Senders.gather(server.port, count);
  await senders.send(WARM_UP_MESSAGES);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    rounds.push(await measureRound(server, senders, count * each, () => senders.send(each)));
  }
  const commits = await countCommits(db, () => senders.send(each)); // not timed: it costs time
  const middle = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const acked = middle((round) => round.acked);
  const shares = [middle((round) => round.serverCpu), middle((round) => round.sendersCpu)];
  const cells = [acked, acked * (count - 1)].map((rate) => rate.toFixed(0));
  cells.push(...shares.map((share) => `${Math.round(share * 100)} %`));
  printRow(`${count}`, [...cells, (count * each / commits).toFixed(1)], 12);
}

console.log("\nDurable messages from senders with 256 on their way each, 90 bytes a text");
console.log("server, senders: CPU time of the process, of one core; batch: messages a commit\n");
printRow("senders", COLUMNS, 12);
for (const { senders, each } of LOADS) await measureLoad(senders, each);
