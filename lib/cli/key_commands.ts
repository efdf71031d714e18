/**
 * The server's `key` commands: flags to options.
 *
 * @module
 */

import type { Command } from "commander";
import { CallerError } from "../errors.ts";
import { formatJson } from "../json_line.ts";
import { rotateKeyFile } from "../server/key_file.ts";
import { say } from "./program.ts";

interface Flags {
  keyFile?: string;
  db?: string;
  reveal?: boolean;
  json?: boolean;
}

const SHOW_HELP = `
A key's id is the beginning of its SHA-256, and no secret. The keys themselves
read every message of the open rooms: --reveal is for a screen that nobody else
sees, and for moving a key to another machine.`;

const ROTATE_HELP = `
New messages need the new key from now on. The older keys stay in the file, for
older messages; once you remove one, its messages can never be read again. A
running server takes the file up by itself, and hands its members the new key.`;

/** Adds `key show` and `key rotate`. */
export function addKeyCommands(program: Command): void {
  const key = program.command("key").description("the open rooms' Fernet keys: show, rotate");
  const define = (
    name: string,
    description: string,
    run: (path: string, flags: Flags) => void | Promise<void>,
  ): Command =>
    key.command(name).description(description)
      .option("--key-file <file>", "the keys, one a line, newest first")
      .option("--json", "say the outcome as JSON")
      .action((_: unknown, command: Command) => {
        const flags: Flags = command.optsWithGlobals();
        return run(requireKeyFile(flags), flags);
      });
  define("show", "show the keys' ids, newest first", show)
    .option("--db <file>", "count the messages there that need each key")
    .option("--reveal", "show the keys themselves too")
    .addHelpText("after", SHOW_HELP);
  define("rotate", "put a new key in front of the others", rotate)
    .addHelpText("after", ROTATE_HELP);
}

function requireKeyFile({ keyFile }: Flags): string {
  if (keyFile !== undefined) return keyFile;
  throw new CallerError("key-file-missing", "No key file was named", {
    hint: "pass --key-file FILE, as to the server",
  });
}

/** Loaded only here: a server that starts needs none of it. */
async function show(path: string, { db, reveal, json }: Flags): Promise<void> {
  const { showKeys } = await import("./key_table.ts");
  showKeys(path, {
    ...(db === undefined ? {} : { db }),
    reveal: reveal ?? false,
    json: json ?? false,
  });
}

function rotate(path: string, { json }: Flags): void {
  const { primary, keys } = rotateKeyFile(path);
  say(
    json
      ? formatJson({ event: "key-rotated", key_id: primary.id, keys: keys.length })
      : `New key ${primary.id}, before ${
        keys.length - 1
      } older: a running server takes it by itself`,
  );
}
