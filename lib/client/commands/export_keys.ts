/**
 * `/keys export`: a sealed room's Fernet keys in a file, so that its log can be read without this
 * client, with any implementation of Fernet.
 *
 * @module
 */

import { CallerError, EnvironmentError } from "../../errors.ts";
import { createSecretFile } from "../../secret_file.ts";
import { nameOfRoom } from "../room_names.ts";
import type { Arguments, CommandContext } from "./command.ts";
import { roomHere } from "./meaning.ts";

const YES = "yes";

/** Asks first, at a terminal; then writes a new file, of mode 0600. */
export async function exportKeys(context: CommandContext, args: Arguments): Promise<void> {
  if (args.word() !== "export") args.fail();
  const { path, isConfirmed } = takeFile(args);
  const view = roomHere(context);
  if (view.kind === "open") {
    throw new CallerError("room-open", "The keys of open rooms are the server's", {
      hint: "whoever runs it has them: server.ts --key-file FILE",
    });
  }
  const ring = context.chat.sealed.exportKeys(view.room);
  const name = nameOfRoom(view);
  checkFree(path);
  if (!isConfirmed && !await confirm(context, name, path)) {
    return context.say("Nothing was written");
  }
  write(path, ring.toString());
  const { length } = ring.keys;
  context.say(`${length === 1 ? "1 key" : `${length} keys`} of ${name}: written to ${path}`);
}

/** The file's name may have blanks. */
function takeFile(args: Arguments): { path: string; isConfirmed: boolean } {
  const text = args.text();
  const [, path = text, yes] = /^(.*\S)\s+(yes)$/i.exec(text) ?? [];
  return { path, isConfirmed: yes !== undefined };
}

async function confirm(
  { ask, say }: CommandContext,
  name: string,
  path: string,
): Promise<boolean> {
  if (ask === undefined) {
    throw new CallerError("confirmation-missing", "Nothing was written: say yes behind the file", {
      hint: `/keys export ${path} ${YES}; whoever has the file can read what was said in ${name}`,
    });
  }
  say(
    `WARNING: whoever has ${path} then can read all that you can read in ${name}, for ever, ` +
      "without a password or a device. Keep it from others, and delete it",
  );
  return (await ask(`Type ${YES} to write it: `))?.trim().toLowerCase() === YES;
}

/** Nobody is asked for what cannot be done. */
function checkFree(path: string): void {
  checkMayWrite(path);
  try {
    Deno.lstatSync(path);
  } catch {
    return; // whatever it is: who writes there learns it
  }
  throw taken(path);
}

function write(path: string, text: string): void {
  try {
    createSecretFile(path, text);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function checkMayWrite(path: string): void {
  // Deno would ask for it otherwise, in the middle of the screen.
  if (Deno.permissions.querySync({ name: "write", path }).state !== "granted") {
    throw new EnvironmentError("file-unwritable", `This client may not write to ${path}`, {
      hint: "name a file in the folder that it was started in",
    });
  }
}

function taken(path: string, cause?: unknown): EnvironmentError {
  return new EnvironmentError("file-exists", `There is a file ${path}: it stays as it is`, {
    cause,
    hint: "name a new one",
  });
}

function unwritable(path: string, cause: unknown): EnvironmentError {
  if (cause instanceof Deno.errors.AlreadyExists) return taken(path, cause);
  const reason = cause instanceof Deno.errors.NotFound
    ? "its folder does not exist"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new EnvironmentError("file-unwritable", `Cannot write ${path}: ${reason}`, { cause });
}
