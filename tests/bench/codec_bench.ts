/**
 * Our Fernet codec, `npm:fernet` and Python's `cryptography` side by side: microseconds per call.
 * The three take turns within one run, so that whatever else the machine does meets all of them;
 * each figure is the median over the rounds. Python times itself: starting it is not counted.
 *
 *     deno run -A tests/bench/codec_bench.ts
 *
 * @module
 */

import { Buffer } from "node:buffer";
import fernet from "fernet";
import { FernetKey } from "../../lib/fernet.ts";
import { findPython, PythonOracle } from "../interop/fernet_support.ts";
import { median, printRow } from "./table.ts";

const ROUNDS = 21;
const WARM_UP_ROUNDS = 4; // the compilers of V8 settle within these
const SIZES = [{ bytes: 100, calls: 2000 }, { bytes: 8192, calls: 200 }];
const OPERATIONS = ["encrypt", "decrypt"] as const;

/** Microseconds per call. */
type Timing = Record<typeof OPERATIONS[number], number>;

interface Codec {
  name: string;
  version: string;
  measure: (text: string, calls: number) => Timing | Promise<Timing>;
}

const key = FernetKey.generate();

function timePerCall(call: () => unknown, calls: number): number {
  const start = performance.now();
  for (let index = 0; index < calls; index++) call();
  return (performance.now() - start) / calls * 1000;
}

function measureOurs(text: string, calls: number): Timing {
  const token = key.encrypt(text);
  return {
    encrypt: timePerCall(() => key.encrypt(text), calls),
    decrypt: timePerCall(() => key.decryptText(token), calls),
  };
}

/** A tenth of the calls are enough for what takes ten times as long. */
function measureNpm(text: string, calls: number): Timing {
  const secret = new fernet.Secret(`${key}`);
  const token = key.encrypt(text);
  return {
    encrypt: timePerCall(() => new fernet.Token({ secret }).encode(text), calls / 10),
    decrypt: timePerCall(() => new fernet.Token({ secret, token, ttl: 0 }).decode(), calls / 10),
  };
}

async function pythonCodec(oracle: PythonOracle): Promise<Codec> {
  const versions = await oracle.ask<{ python: string; cryptography: string }>("version");
  return {
    name: "cryptography",
    version: `${versions.cryptography} on Python ${versions.python}`,
    measure: (text, calls) => oracle.ask("measure", { key: `${key}`, text, count: calls }),
  };
}

async function codecs(oracle: PythonOracle | undefined): Promise<Codec[]> {
  const ours = { name: "fernchat", version: `on Deno ${Deno.version.deno}`, measure: measureOurs };
  const npm = { name: "npm:fernet", version: "0.4.0 with crypto-js 3.1.8", measure: measureNpm };
  return oracle ? [ours, npm, await pythonCodec(oracle)] : [ours, npm];
}

/** The median timing of each codec, which take turns. */
async function measureAll(contestants: Codec[], bytes: number, calls: number): Promise<Timing[]> {
  const text = Buffer.alloc(bytes, "The quick brown fox jumps over the lazy dog. ").toString();
  const rounds: Timing[][] = contestants.map(() => []);
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
    for (const [index, codec] of contestants.entries()) {
      const timing = await codec.measure(text, calls);
      if (round >= WARM_UP_ROUNDS) rounds[index]!.push(timing);
    }
  }
  return rounds.map((timings) => ({
    encrypt: median(timings.map((timing) => timing.encrypt)),
    decrypt: median(timings.map((timing) => timing.decrypt)),
  }));
}

/** Each cell is the time, and in brackets how many times ours it is. */
function printResult(name: string, ours: number, all: number[]): void {
  printRow(name, all.map((time) => `${time.toFixed(1)} µs (${(time / ours).toFixed(2)}x)`));
}

function printTimings(bytes: number, timings: Timing[]): void {
  const both = timings.map(({ encrypt, decrypt }) => encrypt + decrypt);
  for (const operation of OPERATIONS) {
    const times = timings.map((timing) => timing[operation]);
    printResult(`${operation}, ${bytes} bytes`, times[0]!, times);
  }
  printResult(`both, ${bytes} bytes`, both[0]!, both);
}

async function main(): Promise<void> {
  const python = findPython();
  await using oracle = python === undefined ? undefined : new PythonOracle(python);
  const contestants = await codecs(oracle);
  for (const { name, version } of contestants) console.log(`${name}: ${version}`);
  if (!oracle) console.log("cryptography: no Python that has it (see FERNCHAT_PYTHON)");
  console.log(`\nMedian of ${ROUNDS} interleaved rounds, per call (and times ours)\n`);
  printRow("", contestants.map((codec) => codec.name));
  for (const { bytes, calls } of SIZES) {
    printTimings(bytes, await measureAll(contestants, bytes, calls));
  }
}

await main();
