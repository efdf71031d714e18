/**
 * The file of `--key-file`: the ring of Fernet keys, one a line, newest first, as Python's
 * `MultiFernet` takes it.
 *
 * @module
 */

import { EnvironmentError, FernchatError } from "../errors.ts";
import { FernetKey, KeyRing } from "../fernet.ts";
import { MAX_RING_KEYS } from "../protocol/limits.ts";

/** Bytes of a key file: some thousand keys. What is larger is another file, named by mistake. */
const MAX_FILE_BYTES = 64 * 1024;

/** How to put it that there is no file, and what to do next. */
interface Advice {
  missing: string;
  hint: string;
}

const WHERE_IT_IS_MADE: Advice = {
  missing: "its folder does not exist",
  hint: "name a file that this server made, or a new one, which it then makes",
};

const WHERE_IT_IS_READ: Advice = {
  missing: "there is no such file",
  hint: "name a file that has one Fernet key a line",
};

/**
 * Reads the ring, or makes a file (mode 0600) with one new key.
 *
 * @throws {EnvironmentError} if the file cannot be read or made, or holds anything but keys.
 */
export function loadOrCreateKeyFile(path: string): KeyRing {
  try {
    return create(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) {
      throw unusable(path, error, WHERE_IT_IS_MADE);
    }
  }
  return read(path, WHERE_IT_IS_MADE);
}

/**
 * Reads the ring from a file that is there already.
 *
 * @throws {EnvironmentError} as {@linkcode loadOrCreateKeyFile}.
 */
export function loadKeyFile(path: string): KeyRing {
  return read(path, WHERE_IT_IS_READ);
}

/** Whether someone else on this machine may read the file. Never so where modes have no meaning. */
export function isReadableByOthers(path: string): boolean {
  const { mode } = Deno.statSync(path);
  return Deno.build.os !== "windows" && mode !== null && (mode & 0o077) !== 0;
}

function create(path: string): KeyRing {
  const ring = new KeyRing([FernetKey.generate()]);
  using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  file.writeSync(new TextEncoder().encode(ring.toString()));
  file.syncSync(); // messages sealed with a key that is lost could never be read again
  return ring;
}

function read(path: string, advice: Advice): KeyRing {
  try {
    if (Deno.statSync(path).size > MAX_FILE_BYTES) throw new RangeError("it is too large");
    const ring = KeyRing.parse(Deno.readTextFileSync(path));
    if (ring.keys.length > MAX_RING_KEYS) {
      throw new RangeError(`it has ${ring.keys.length} keys, and the limit is ${MAX_RING_KEYS}`);
    }
    return ring;
  } catch (error) {
    throw unusable(path, error, advice);
  }
}

function unusable(path: string, cause: unknown, advice: Advice): EnvironmentError {
  const reason = cause instanceof FernchatError
    ? cause.message
    : cause instanceof Deno.errors.NotFound
    ? advice.missing
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new EnvironmentError("key-file-unusable", `Cannot use the key file ${path}: ${reason}`, {
    cause,
    hint: advice.hint,
  });
}
