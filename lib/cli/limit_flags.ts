/**
 * The flags of `server.ts` that bound what peers can use up.
 *
 * @module
 */

import type { Command } from "commander";
import { CallerError } from "../errors.ts";
import { DEFAULT_LIMITS, type Limits, MIN_QUEUED_BYTES } from "../server/limits.ts";

/** The flags as they were typed. */
export interface LimitFlags {
  maxConnections?: string;
  maxPerAddress?: string;
  maxUnauthenticated?: string;
  maxRate?: string;
  maxQueue?: string;
}

/** What a flag sets, the numbers it takes, and what it says in the help. */
interface LimitFlag {
  limit: keyof Limits;
  flag: string;
  least: number;
  help: string;
}

const FLAGS: { [name in keyof Required<LimitFlags>]: LimitFlag } = {
  maxConnections: {
    limit: "maxConnections",
    flag: "--max-connections",
    least: 1,
    help: "connections at a time",
  },
  maxPerAddress: {
    limit: "maxPerAddress",
    flag: "--max-per-address",
    least: 1,
    help: "of them from one address (or one IPv6 /64)",
  },
  maxUnauthenticated: {
    limit: "maxUnauthenticated",
    flag: "--max-unauthenticated",
    least: 1,
    help: "of them without a login",
  },
  maxRate: {
    limit: "messagesPerSecond",
    flag: "--max-rate",
    least: 1,
    help: "messages a second of one account, beyond a burst of ten times as many",
  },
  maxQueue: {
    limit: "maxQueuedBytes",
    flag: "--max-queue",
    least: MIN_QUEUED_BYTES,
    help: "bytes that may wait for a member who does not read",
  },
};

/** Seconds' worth of messages that an account may send at once. */
const BURST_SECONDS = 10;

/** Adds the flags to a command, in a group of their own in its help. */
export function addLimitFlags(command: Command): void {
  command.optionsGroup("Limits:");
  for (const { flag, limit, help } of Object.values(FLAGS)) {
    command.option(`${flag} <number>`, `${help} (default: ${DEFAULT_LIMITS[limit]})`);
  }
}

/**
 * Reads the flags that were given.
 *
 * @throws {CallerError} `limit-invalid`.
 */
export function parseLimits(flags: LimitFlags): Partial<Limits> {
  const limits: Partial<Limits> = {};
  for (const [name, { limit, flag, least }] of Object.entries(FLAGS)) {
    const text = flags[name as keyof LimitFlags];
    if (text !== undefined) limits[limit] = parseLimit(flag, text, least);
  }
  const rate = limits.messagesPerSecond;
  return rate === undefined ? limits : { ...limits, messageBurst: BURST_SECONDS * rate };
}

function parseLimit(flag: string, text: string, least: number): number {
  const number = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
  if (number >= least) return number;
  throw new CallerError("limit-invalid", `Not a number for ${flag}: ${JSON.stringify(text)}`, {
    hint: `use a whole number from ${least}`,
  });
}
