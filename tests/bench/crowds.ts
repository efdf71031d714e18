/**
 * Crowds that load a server, each a process of its own.
 *
 * @module
 */

import { joinQuickly } from "../attacks/quick_login.ts";
import { garbage, halfHello, Noise, visit } from "../attacks/strangers.ts";
import type { Credentials } from "../../lib/client/login.ts";
import { keepAlive } from "./keep_alive.ts";
import { serve, Worker } from "./worker.ts";

/** The account of all members of a crowd. */
export const CROWD: Credentials = { username: "crowd", password: "not a secret" };

/** What a crowd is made of. */
export type CrowdKind = "members" | "half-open" | "garbage";

/** What a crowd has seen so far. */
export interface CrowdStats {
  /** Connections that were opened, closed ones included. */
  opened: number;
  /** Members that were cut off, strangers that were closed. */
  closed: number;
}

/** Milliseconds from the end of a garbage connection to the next of the same peer. */
const GARBAGE_PAUSE_MS = 1_000;

/** Logins at a time. */
const PARALLEL = 8;

/** A crowd in a process of its own. */
export class Crowd implements AsyncDisposable {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Resolves when all members, or as many strangers, have been there. */
  static async gather(kind: CrowdKind, port: number, count: number): Promise<Crowd> {
    return new Crowd(await Worker.start("crowds.ts", [kind, `${port}`, `${count}`]));
  }

  /** Sends it away; returns what it has seen until then. */
  async leave(): Promise<CrowdStats> {
    const stats = await this.#worker.ask("stats") as CrowdStats;
    await this[Symbol.asyncDispose]();
    return stats;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker[Symbol.asyncDispose]();
  }
}

/** What this process's crowd has seen. */
const stats: CrowdStats = { opened: 0, closed: 0 };

/** The same in every run. */
const NOISE = new Noise(0xfe12c4a7);

/** A member that is there and says nothing but `ping`. What it hears is opened, and not looked at. */
async function member(port: number): Promise<void> {
  const { channel } = await joinQuickly(port, CROWD);
  stats.opened += 1;
  keepAlive(channel);
  const listen = async (): Promise<void> => {
    while (await channel.receive() !== null);
  };
  listen().catch(() => {}).finally(() => stats.closed += 1);
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

/** Logs in all members, some at a time: after the first, the server knows whom it lets in so often. */
async function gatherMembers(port: number, count: number): Promise<void> {
  await member(port);
  let left = count - 1;
  const some = Array.from({ length: PARALLEL }, async () => {
    while (left-- > 0) await member(port);
  });
  await Promise.all(some);
}

/** Starts strangers; resolves when there were that many connections. */
async function gatherStrangers(
  come: (port: number) => Promise<void>,
  port: number,
  count: number,
): Promise<void> {
  for (let index = 0; index < count; index++) come(port).catch(breakDown);
  while (stats.opened < count) await pause(50);
}

function breakDown(error: unknown): never {
  console.error(error);
  Deno.exit(1);
}

if (import.meta.main) {
  const [kind, port, count] = Deno.args;
  if (kind === "members") await gatherMembers(Number(port), Number(count));
  else {
    const peer = kind === "garbage" ? garbagePeer : halfOpenPeer;
    await gatherStrangers(peer, Number(port), Number(count));
  }
  await serve(() => stats);
}
