/**
 * The server's log lines: what happened, to whom, for the person who runs it. Each is one line, as
 * text or as JSON, whatever a peer put into its values. Never secrets, never texts of messages.
 *
 * @module
 */

import { escapeMatches, formatJson } from "../json_line.ts";

/** From what is always written to what only a search for a bug wants. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

/** How much a line matters. */
export type LogLevel = typeof LOG_LEVELS[number];

/** Text for people, JSON for programs. */
export const LOG_FORMATS = ["text", "json"] as const;

/** How a line is written. */
export type LogFormat = typeof LOG_FORMATS[number];

/** A line's values by name; `undefined` leaves one out. */
export interface LogFields {
  [field: string]: string | number | boolean | undefined;
  /** Taken by the line itself, as are the next two. */
  time?: undefined;
  level?: undefined;
  event?: undefined;
}

/**
 * Takes what happens. An event is a fixed, lower-case, hyphenated name; what differs from one time to
 * the next is in the fields, whose names are fixed too.
 */
export type Logger = {
  [level in LogLevel]: (event: string, fields?: LogFields) => void;
};

/** See {@linkcode createLogger}. */
export interface LoggerOptions {
  /** Lines of this level are written, and those that matter more. */
  level: LogLevel;
  format: LogFormat;
  /** Takes a line without its newline: one call a line. Must not throw. */
  write(line: string): void;
  /** The clock of the lines' times. */
  now?: () => Date;
}

/** Characters of a value: enough for every message of ours, and nobody fills a disk with fewer lines. */
const MAX_VALUE_CHARS = 500;

/** What needs no quotes, and cannot be taken for a field's end or for quotes. */
const PLAIN = /^[A-Za-z0-9_.:@/+[\]-]+$/;

/** Drawn over what is beside it, or seen by nobody: harmless in JSON's readers, not on a terminal. */
const DECEPTIVE = /[[\p{M}\p{C}\p{DI}]--\p{ASCII}]/gv;

/**
 * Makes a logger. A text line is `TIME LEVEL EVENT FIELD=VALUE…`, a value that is not a plain word
 * being a JSON string; a JSON line is one object with `time`, `level`, `event` and the fields.
 *
 * @example
 * ```ts
 * import { createLogger } from "./logger.ts";
 * const logger = createLogger({ level: "info", format: "text", write: (line) => … });
 * logger.info("logged-in", { user: "alice", peer: "127.0.0.1:1234" });
 * // 2026-11-24T08:00:00.000Z info  logged-in user=alice peer=127.0.0.1:1234
 * ```
 */
export function createLogger(options: LoggerOptions): Logger {
  const { level: least, format, write, now = () => new Date() } = options;
  const toLine = format === "json" ? jsonLine : textLine;
  const wanted = LOG_LEVELS.indexOf(least);
  const at = (level: LogLevel): Logger[LogLevel] => {
    if (LOG_LEVELS.indexOf(level) > wanted) return () => {};
    return (event, fields = {}) => write(toLine(now().toISOString(), level, event, fields));
  };
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

function textLine(time: string, level: LogLevel, event: string, fields: LogFields): string {
  const values = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${quote(shorten(String(value)))}`);
  return `${time} ${level.padEnd(5)} ${event}${values.join("")}`;
}

function jsonLine(time: string, level: LogLevel, event: string, fields: LogFields): string {
  const values = Object.entries(fields)
    .map(([name, value]) => [name, typeof value === "string" ? shorten(value) : value]);
  return formatJson({ time, level, event, ...Object.fromEntries(values) });
}

function quote(value: string): string {
  return PLAIN.test(value) ? value : escapeMatches(formatJson(value), DECEPTIVE);
}

function shorten(value: string): string {
  return value.length <= MAX_VALUE_CHARS ? value : `${value.slice(0, MAX_VALUE_CHARS - 1)}…`;
}
