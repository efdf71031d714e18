/**
 * New files that hold keys: their owner alone can read them, and they survive a power cut.
 *
 * @module
 */

import { dirname } from "node:path";

/**
 * Makes a file (mode 0600) with a text.
 *
 * @throws `Deno.errors.AlreadyExists` if there is one of that name: what it holds stays.
 */
export function createSecretFile(path: string, text: string): void {
  {
    using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
    writeAndSync(file, text);
  }
  syncFolderOf(path);
}

/** Writes all of a text to where a file is, and to the disk: what needs lost keys is lost too. */
export function writeAndSync(file: Deno.FsFile, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
  file.syncSync();
}

/** A file's name is on disk when its folder is; Windows cannot open folders, and needs no such step. */
export function syncFolderOf(path: string): void {
  if (Deno.build.os === "windows") return;
  using folder = Deno.openSync(dirname(path));
  folder.syncSync();
}
