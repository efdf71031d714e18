/**
 * A running server's eye on its key file: a key that was rotated in is taken without a restart.
 *
 * It reads the file every two seconds. The system's own notices (`Deno.watchFs`) would be no better:
 * the file is replaced, so its folder would have to be watched, where the database usually is and
 * every message is a notice; and network file systems and mounted secrets give none. The file's time
 * and size would not do either: a change within a tick of the file system's clock keeps both.
 *
 * @module
 */

import type { KeyRing } from "../fernet.ts";
import { loadKeyFile, readText } from "./key_file.ts";

/** Milliseconds between two looks: who rotates a key waits no longer, and a look takes 0.1 ms. */
const POLL_MS = 2_000;

/** See {@linkcode watchKeyFile}. */
export interface WatchOptions {
  /** The ring in use, as it was read from the file. */
  ring: KeyRing;
  /** Takes a ring that differs from the last one. Must not throw. */
  onChange(ring: KeyRing): void;
  /** Takes what is wrong with the file, once a change: the last ring stays in use. Must not throw. */
  onError(error: unknown): void;
  /** Milliseconds between two looks. Default: 2,000. */
  pollMs?: number;
}

/** A watch that goes on until it is closed. */
export interface KeyWatcher {
  /** Reads the file now, whether it seems to have changed or not. */
  check(): void;
  /** Ends the watch. */
  close(): void;
}

/** Watches a key file for other keys. */
export function watchKeyFile(path: string, options: WatchOptions): KeyWatcher {
  const { onChange, onError, pollMs = POLL_MS } = options;
  let { ring } = options;
  let seen: string | undefined;
  const check = (): void => {
    seen = look(path); // before it is read: what comes in between is seen next time
    try {
      const read = loadKeyFile(path);
      if (read.toString() === ring.toString()) return;
      ring = read;
    } catch (error) {
      return onError(error);
    }
    onChange(ring);
  };
  const timer = setInterval(() => {
    if (look(path) !== seen) check();
  }, pollMs);
  Deno.unrefTimer(timer); // a server that has ended does not go on for its keys
  return { check, close: () => clearInterval(timer) };
}

/** The file as it is; without one, why. */
function look(path: string): string {
  try {
    return readText(path);
  } catch (error) {
    return String(error);
  }
}
