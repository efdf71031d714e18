/**
 * The file of `--key-file`: the ring of Fernet keys, one a line, newest first, as Python's
 * `MultiFernet` takes it.
 *
 * @module
 */

import { EnvironmentError, FernchatError } from "../errors.ts";
import { FernetKey, KeyRing } from "../fernet.ts";
import { MAX_RING_KEYS } from "../protocol/limits.ts";
import { createSecretFile, syncFolderOf, writeAndSync } from "../secret_file.ts";

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

const WHERE_IT_IS_ROTATED: Advice = {
  missing: "there is no such file",
  hint: "name the file that the server uses, as a user who may write it",
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

/**
 * Puts a new key in front of the file's others, which stay: older messages need them. The file is
 * replaced in one step, so that a server that reads it meanwhile sees the old ring or the new one;
 * its owner and its mode stay, and so do comments.
 *
 * @returns the new ring.
 * @throws {EnvironmentError} `key-file-unusable` as {@linkcode loadKeyFile}, or if the file cannot be
 * replaced; `key-ring-full`; `key-file-busy` while another rotation is under way.
 */
export function rotateKeyFile(path: string): KeyRing {
  try {
    const target = Deno.realPathSync(path); // a link stays a link
    using next = NextFile.begin(target);
    const { keys } = read(target, WHERE_IT_IS_ROTATED); // only now: nobody else rotates meanwhile
    if (keys.length >= MAX_RING_KEYS) throw ringFull(path);
    const text = `${FernetKey.generate()}\n${readText(target)}`;
    const ring = parseRing(text);
    next.finish(text);
    return ring;
  } catch (error) {
    if (error instanceof EnvironmentError) throw error;
    throw unusable(path, error, WHERE_IT_IS_ROTATED);
  }
}

/** Whether someone else on this machine may read the file. Never so where modes have no meaning. */
export function isReadableByOthers(path: string): boolean {
  const { mode } = Deno.statSync(path);
  return Deno.build.os !== "windows" && mode !== null && (mode & 0o077) !== 0;
}

function create(path: string): KeyRing {
  const ring = new KeyRing([FernetKey.generate()]);
  createSecretFile(path, ring.toString());
  return ring;
}

/** The file that is to take a key file's place. Its name is fixed: there is one at a time. */
class NextFile implements Disposable {
  readonly #path: string;
  readonly #target: string;
  #finished = false;

  private constructor(path: string, target: string) {
    this.#path = path;
    this.#target = target;
  }

  /** @throws {EnvironmentError} `key-file-busy`: of two rotations at a time, one would lose its key. */
  static begin(target: string): NextFile {
    const path = `${target}.new`;
    try {
      createSecretFile(path, "");
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
      throw new EnvironmentError("key-file-busy", `Cannot rotate: ${path} is there already`, {
        cause,
        hint: "another rotation is under way, or one was cut off: then remove that file",
      });
    }
    return new NextFile(path, target);
  }

  /** Takes the place. Who rotates may be root, and then the server has to read the file as before. */
  finish(text: string): void {
    using file = Deno.openSync(this.#path, { write: true });
    writeAndSync(file, text);
    const { mode, uid, gid } = Deno.statSync(this.#target);
    if (uid !== null && gid !== null) Deno.chownSync(this.#path, uid, gid);
    if (mode !== null) Deno.chmodSync(this.#path, mode & 0o777);
    Deno.renameSync(this.#path, this.#target);
    this.#finished = true;
    syncFolderOf(this.#target);
  }

  [Symbol.dispose](): void {
    if (!this.#finished) Deno.removeSync(this.#path);
  }
}

function ringFull(path: string): EnvironmentError {
  const message = `Cannot add a key to ${path}: it has ${MAX_RING_KEYS}, which is the limit`;
  return new EnvironmentError("key-ring-full", message, {
    hint: "remove keys that no message needs: `key show` with --db counts the messages",
  });
}

function read(path: string, advice: Advice): KeyRing {
  try {
    return parseRing(readText(path));
  } catch (error) {
    throw unusable(path, error, advice);
  }
}

/** What a key file holds, be it keys or not: to tell whether it was changed. */
export function readText(path: string): string {
  if (Deno.statSync(path).size > MAX_FILE_BYTES) throw new RangeError("it is too large");
  return Deno.readTextFileSync(path);
}

function parseRing(text: string): KeyRing {
  if (new TextEncoder().encode(text).length > MAX_FILE_BYTES) {
    throw new RangeError("it is too large");
  }
  const ring = KeyRing.parse(text);
  if (ring.keys.length > MAX_RING_KEYS) {
    throw new RangeError(`it has ${ring.keys.length} keys, and the limit is ${MAX_RING_KEYS}`);
  }
  return ring;
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
