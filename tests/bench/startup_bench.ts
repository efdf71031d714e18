/**
 * How long people wait for the programs, and what for. The programs run as processes from source,
 * as with `deno run`, with a warm cache; all take turns, so that whatever else the machine does
 * meets all of them. A probe, a fresh process too, times the steps of a client one by one.
 *
 *     deno run -A tests/bench/startup_bench.ts
 *
 * @module
 */

// The probe measures what lib/ costs to load: nothing of it may be imported here but types.
import type { SecureChannel } from "../../lib/protocol/channel.ts";
import { addUser, JsonClient, ServerProgram } from "../scenario/programs.ts";
import { median, printRow } from "./table.ts";

const ROUNDS = 11;
const WARM_UP_ROUNDS = 1;
/** Milliseconds after which a script is stuck. */
const PATIENCE_MS = 30_000;

const WHO = { username: "bench", password: "a password for the bench" };

/** Milliseconds by the name of a step. */
type Times = Record<string, number>;

async function timed<T>(times: Times, name: string, step: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await step();
  times[name] = performance.now() - start;
  return result;
}

/** The probe: prints its times as one line of JSON. */
async function probe(program: string, port: number): Promise<void> {
  const times: Times = {};
  if (program === "server") {
    await timed(times, "server: load its modules", () => import("../../server.ts"));
  } else {
    await timed(times, "client: load its modules", () => import("../../client.ts"));
    for (const name of ["first", "second"]) await probeConnection(times, name, port);
  }
  console.log(JSON.stringify(times));
}

async function probeConnection(times: Times, name: string, port: number): Promise<void> {
  const { dial } = await import("../../lib/client/dial.ts");
  const { ChatConnection } = await import("../../lib/client/connection.ts");
  const address = { hostname: "127.0.0.1", port };
  const channel = await timed(times, `${name}: dial`, () => dial(address));
  await timed(times, `${name}: login`, () => probeLogin(times, name, channel));
  const login = { logIn: neverAgain, changePassword: neverAgain };
  const join = (): Promise<AsyncDisposable> =>
    ChatConnection.join(
      { channel, user: WHO.username, exportKey: new Uint8Array(64) },
      { server: address, login },
    );
  await using _chat = await timed(times, `${name}: join`, join);
}

/** Nothing is lost in a probe. */
function neverAgain(): Promise<never> {
  return Promise.reject(new Error("The connection was lost"));
}

/** The steps of `login` of lib/client/login.ts, with a clock at the key stretching. */
async function probeLogin(times: Times, name: string, channel: SecureChannel): Promise<void> {
  const { clientLoginFinish, clientLoginStart, opaqueReady } = await import(
    "../../lib/auth/opaque.ts"
  );
  const { receive, send } = await import("../../lib/client/exchange.ts");
  await opaqueReady;
  const { pending, ke1 } = clientLoginStart(WHO.username, WHO.password);
  const start = send(channel, { type: "login_start", username: WHO.username, ke1 });
  const [{ ke2 }, response] = await receive(channel, "login_response");
  const stretch = (): ReturnType<typeof clientLoginFinish> => clientLoginFinish(pending, ke2);
  const keys = await timed(times, `${name}: key stretching`, stretch);
  if (keys === undefined) throw new Error("The login was refused");
  const finish = send(channel, { type: "login_finish", ke3: keys.ke3 });
  channel.rekey(keys.sessionKey, [start, response, finish]);
  await receive(channel, "welcome");
}

async function runDeno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", ...args],
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function runProbe(times: Times, program: string, port: number): Promise<void> {
  const said = await runDeno(import.meta.filename!, "probe", program, String(port));
  Object.assign(times, JSON.parse(said));
}

/** Starts a program, stops the clock when it is ready, and ends it. */
async function timeProgram(
  times: Times,
  name: string,
  start: () => Promise<AsyncDisposable>,
): Promise<void> {
  await using _program = await timed(times, name, start);
}

/** One round over everything. The folder has `empty.ts` and the database of the running server. */
async function measureRound(folder: string, port: number, round: number): Promise<Times> {
  const times: Times = {};
  await timed(times, "an empty script", () => runDeno(`${folder}/empty.ts`));
  const startServer = (db: string) => (): Promise<ServerProgram> =>
    ServerProgram.start(["--db", `${folder}/${db}.db`]);
  await timeProgram(times, "server, new database", startServer(`new-${round}`));
  await timeProgram(times, "server, with accounts", startServer("used"));
  const startClient = (): Promise<JsonClient> => JsonClient.start(port, WHO.username, WHO.password);
  await timeProgram(times, "client", startClient);
  await runProbe(times, "server", port);
  await runProbe(times, "client", port);
  return times;
}

/** All times of a step over the rounds that count. */
type Samples = (name: string) => number[];

/** Prints what is left of a whole when its parts are taken off, in the median round. */
function printRest(samples: Samples, whole: string, parts: readonly string[]): void {
  const left = samples(whole).map((time, round) =>
    parts.reduce((rest, part) => rest - samples(part)[round]!, time)
  );
  printRow("  the rest (parts are of other processes)", [
    `${median(left).toFixed(1)} ms`,
    "± noise",
  ], 18);
}

function printTimes(name: string, times: readonly number[]): void {
  const [least, most] = [Math.min(...times), Math.max(...times)];
  printRow(name, [`${median(times).toFixed(1)} ms`, `${least.toFixed(1)}–${most.toFixed(1)}`], 18);
}

const FLOOR = "an empty script";
const FIRST_CONNECTION = ["first: dial", "first: login", "first: join"];

function printProcesses(samples: Samples): void {
  console.log(`Median of ${ROUNDS} interleaved rounds, and least–most, in ms\n`);
  console.log("From the start of the process to the line that says it is ready");
  printTimes("  an empty script, to its end", samples(FLOOR));
  printTimes("  server, new database", samples("server, new database"));
  printTimes("  server, with accounts", samples("server, with accounts"));
  printTimes("  client --json, to `ready`", samples("client"));
}

function printParts(samples: Samples): void {
  console.log("\nWhere it goes: server, with accounts");
  const serverModules = "server: load its modules";
  printTimes("  Deno itself", samples(FLOOR));
  printTimes("  loading the modules", samples(serverModules));
  printRest(samples, "server, with accounts", [FLOOR, serverModules]);
  console.log("\nWhere it goes: client");
  const clientModules = "client: load its modules";
  const parts = [FLOOR, clientModules, ...FIRST_CONNECTION];
  printTimes("  Deno itself", samples(FLOOR));
  printTimes("  loading the modules", samples(clientModules));
  for (const part of FIRST_CONNECTION) printTimes(`  ${part.slice(7)}`, samples(part));
  printRest(samples, "client", parts);
}

function printConnections(samples: Samples): void {
  for (const name of ["first", "second"]) {
    console.log(`\nThe ${name} connection of a process`);
    printTimes("  dial: TCP and the handshake", samples(`${name}: dial`));
    printTimes("  login", samples(`${name}: login`));
    printTimes("    of it the key stretching", samples(`${name}: key stretching`));
    printTimes("  join", samples(`${name}: join`));
  }
}

async function measureAll(folder: string): Promise<Times[]> {
  const used = `${folder}/used.db`;
  const busy = `${folder}/busy.db`;
  for (const db of [used, busy]) await addUser(db, WHO.username, WHO.password);
  await Deno.writeTextFile(`${folder}/empty.ts`, "");
  await using server = await ServerProgram.start(["--db", busy]);
  const rounds: Times[] = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    const times = await measureRound(folder, server.port, round);
    if (round >= WARM_UP_ROUNDS) rounds.push(times);
  }
  return rounds;
}

async function main(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "fernchat-bench-" });
  try {
    const rounds = await measureAll(folder);
    const samples: Samples = (name) => rounds.map((times) => times[name]!);
    printProcesses(samples);
    printParts(samples);
    printConnections(samples);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const [command, program, port] = Deno.args;
await (command === "probe" ? probe(program!, Number(port)) : main());
