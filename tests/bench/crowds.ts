/**
 * Crowds that load a server, each a process of its own, so that whoever measures does not wait for
 * them. As a program: it says how many are there, one JSON line, and when its input ends, what they
 * have seen, another one.
 *
 *     deno run -A tests/bench/crowds.ts members|half-open|garbage PORT COUNT
 *
 * @module
 */

import { ml_kem768_x25519 as xWing } from "@noble/post-quantum/hybrid.js";
import type { Credentials } from "../../lib/client/login.ts";
import { send } from "../../lib/client/login.ts";
import { encodeFrames, writeAll } from "../../lib/framing.ts";
import { TextLineStream } from "../scenario/text_line_stream.ts";
import { joinQuickly, type QuickMember } from "./quick_login.ts";

/** The account of all members of a crowd. */
export const CROWD: Credentials = { username: "crowd", password: "not a secret" };

/** What a crowd is made of. */
export type CrowdKind = "members" | "half-open" | "garbage";

/** What a crowd has seen. */
export interface CrowdStats {
  /** Members that were cut off, strangers that were closed. */
  closed: number;
  /** Connections that were opened, closed ones included. */
  opened: number;
}

/** Milliseconds between two pings of a member, as the protocol asks for. */
const PING_MS = 15_000;

/** Milliseconds from the end of a garbage connection to the next of the same peer. */
const GARBAGE_PAUSE_MS = 1_000;

/** Logins, or first connections, at a time. */
const PARALLEL = 8;

/** A crowd in a process of its own. */
export class Crowd implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;

  private constructor(args: string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", new URL(import.meta.url).pathname, ...args],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = this.#child.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
  }

  /** Resolves when all are there. */
  static async gather(kind: CrowdKind, port: number, count: number): Promise<Crowd> {
    const crowd = new Crowd([kind, `${port}`, `${count}`]);
    await crowd.#says();
    return crowd;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Sends it away; returns what it has seen until then. */
  async leave(): Promise<CrowdStats> {
    await this.#child.stdin.close();
    const stats = await this.#says() as CrowdStats;
    await this.#child.status;
    return stats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has left already.
    }
    await this.#lines.cancel();
    await this.#child.status;
  }

  async #says(): Promise<unknown> {
    const { value } = await this.#lines.read();
    if (value === undefined) throw new Error("A crowd broke down: see above");
    return JSON.parse(value);
  }
}

/** What this process's crowd has seen. */
const stats: CrowdStats = { closed: 0, opened: 0 };

/** Numbers that look random, the same in every run: xorshift32 (Marsaglia, 2003). */
function* noise(seed: number): Generator<number, never> {
  for (let state = seed;;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

const random = noise(0xfe12c4a7);

function below(limit: number): number {
  return random.next().value % limit;
}

function randomBytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => below(256));
}

/** A member that is there and says nothing but `ping`. */
async function member(port: number): Promise<void> {
  const { channel } = await joinQuickly(port, CROWD);
  stats.opened += 1;
  setInterval(() => send(channel, { type: "ping" }), PING_MS);
  listen(channel).catch(() => {}).finally(() => stats.closed += 1);
}

/** Reads to the end; what is said is opened, and not looked at. */
async function listen(channel: QuickMember["channel"]): Promise<void> {
  while (await channel.receive() !== null);
}

/** A hello as a client says it, and may say again: the server cannot know. */
function helloFrame(publicKey: Uint8Array): Uint8Array {
  const magic = new TextEncoder().encode("fernchat\0\x01");
  return encodeFrames([Uint8Array.of(...magic, ...publicKey)]);
}

const HELLO = helloFrame(xWing.keygen().publicKey);

/** Half a handshake, then silence, until the server is tired of it; and again. */
async function halfOpen(port: number): Promise<void> {
  for (;;) await visit(port, HELLO.subarray(0, 1 + below(HELLO.length - 1)));
}

/** What a peer can say that is not Fernchat, or not for long. */
const GARBAGE: readonly (() => Uint8Array)[] = [
  () => randomBytes(1 + below(4_096)),
  () => encodeFrames([randomBytes(1 + below(2_048))]),
  () => helloFrame(randomBytes(1_216)),
  () => Uint8Array.of(...HELLO, ...encodeFrames([randomBytes(17 + below(1_024))])),
];

/** Garbage until the server closes, then other garbage, a second later. */
async function garbage(port: number): Promise<void> {
  await pause(below(GARBAGE_PAUSE_MS));
  for (;;) {
    await visit(port, (GARBAGE[below(GARBAGE.length)] as () => Uint8Array)());
    await pause(GARBAGE_PAUSE_MS);
  }
}

/** Connects, says something, and waits for the server to close. */
async function visit(port: number, bytes: Uint8Array): Promise<void> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  stats.opened += 1;
  try {
    await writeAll(connection, bytes);
    const chunk = new Uint8Array(2_048);
    while (await connection.read(chunk) !== null);
  } catch {
    // A reset: it was closed with something unread.
  }
  stats.closed += 1;
  connection.close();
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Logs in all members, some at a time. */
async function gatherMembers(port: number, count: number): Promise<void> {
  let left = count;
  const some = Array.from({ length: PARALLEL }, async () => {
    while (left-- > 0) await member(port);
  });
  await Promise.all(some);
}

/** Starts strangers; resolves when each has been there once. */
async function gatherStrangers(
  stranger: (port: number) => Promise<void>,
  port: number,
  count: number,
): Promise<void> {
  for (let index = 0; index < count; index++) stranger(port).catch(breakDown);
  while (stats.opened < count) await pause(50);
}

function breakDown(error: unknown): never {
  console.error(error);
  Deno.exit(1);
}

async function main(kind: CrowdKind, port: number, count: number): Promise<void> {
  if (kind === "members") await gatherMembers(port, count);
  else await gatherStrangers(kind === "garbage" ? garbage : halfOpen, port, count);
  console.log(JSON.stringify({ there: count }));
  for await (const _ of Deno.stdin.readable);
  console.log(JSON.stringify(stats));
  Deno.exit();
}

if (import.meta.main) {
  const [kind, port, count] = Deno.args;
  await main(kind as CrowdKind, Number(port), Number(count));
}
