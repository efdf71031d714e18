/**
 * The terminal that this program runs in.
 *
 * @module
 */

/** The terminal underneath; {@linkcode systemTerminal} is the real one. */
export interface TerminalIo {
  /** Reads some bytes; `null` at the end of input. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes all of the bytes. */
  write(bytes: Uint8Array): void;
  /** Raw mode: each key arrives at once, and is not echoed. */
  setRaw(on: boolean): void;
  /** The width now. */
  columns(): number;
}

/** Where the width cannot be had, the width of a punched card. */
const DEFAULT_COLUMNS = 80;

/** This process's own terminal. No subprocess is needed, so it works on Windows too. */
export function systemTerminal(): TerminalIo {
  return {
    read: (buffer) => Deno.stdin.read(buffer),
    write: writeAll,
    setRaw: (on) => Deno.stdin.setRaw(on),
    columns: windowColumns,
  };
}

/** Synchronous: a signal's handler has to restore the terminal before it exits. */
function writeAll(bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += Deno.stdout.writeSync(bytes.subarray(written));
  }
}

function windowColumns(): number {
  try {
    return Deno.consoleSize().columns || DEFAULT_COLUMNS;
  } catch {
    return DEFAULT_COLUMNS; // no window
  }
}
