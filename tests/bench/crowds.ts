/**
 * Crowds that load a server, each a process of its own, so that whoever measures does not wait for
 * them. As a program: it says how many are there, one JSON line, and when its input ends, what they
 * have seen, another one.
 *
 *     deno run -A tests/bench/crowds.ts members|half-open|garbage PORT COUNT
 *
 * @module
 */

import { send } from "../../lib/client/exchange.ts";
import type { Credentials } from "../../lib/client/login.ts";
import { joinQuickly, type QuickMember } from "../attacks/quick_login.ts";
import { garbage, halfHello, Noise, visit } from "../attacks/strangers.ts";
import { TextLineStream } from "../scenario/text_line_stream.ts";

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

/** The same in every run. */
const NOISE = new Noise(0xfe12c4a7);

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

/** Half a handshake, then silence, until the server is tired of it; and again. */
async function halfOpenPeer(port: number): Promise<void> {
  for (;;) await come(port, halfHello(NOISE));
}

/** Garbage until the server closes, then other garbage, a second later. */
async function garbagePeer(port: number): Promise<void> {
  await pause(NOISE.below(GARBAGE_PAUSE_MS));
  for (;;) {
    await come(port, garbage(NOISE));
    await pause(GARBAGE_PAUSE_MS);
  }
}

async function come(port: number, bytes: Uint8Array): Promise<void> {
  stats.opened += 1;
  await visit(port, bytes);
  stats.closed += 1;
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
  else await gatherStrangers(kind === "garbage" ? garbagePeer : halfOpenPeer, port, count);
  console.log(JSON.stringify({ there: count }));
  for await (const _ of Deno.stdin.readable);
  console.log(JSON.stringify(stats));
  Deno.exit();
}

if (import.meta.main) {
  const [kind, port, count] = Deno.args;
  await main(kind as CrowdKind, Number(port), Number(count));
}
