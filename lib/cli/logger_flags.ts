/**
 * The flags of `server.ts` that say which log lines it writes, and how.
 *
 * @module
 */

import { type Command, Option } from "commander";
import {
  createLogger,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type Logger,
  type LogLevel,
} from "../server/logger.ts";
import { writeLine } from "./program.ts";

/** The flags as they were typed. */
export interface LoggerFlags {
  logLevel?: LogLevel;
  logFormat?: LogFormat;
}

/** Adds the flags to a command. */
export function addLoggerFlags(command: Command): void {
  command
    .addOption(
      new Option("--log-level <level>", "log to stderr what matters so much, or more")
        .choices(LOG_LEVELS).default("info"),
    )
    .addOption(
      new Option("--log-format <format>", "how: as lines of text, or of JSON")
        .choices(LOG_FORMATS).default("text"),
    );
}

/** A logger on stderr, as the flags say. */
export function stderrLogger({ logLevel = "info", logFormat = "text" }: LoggerFlags): Logger {
  return createLogger({
    level: logLevel,
    format: logFormat,
    write: (line) => writeLine(Deno.stderr, line), // a line is harmless as it is, and exact
  });
}
