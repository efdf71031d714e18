/**
 * Where the keys that read a log come from: a file, the standard input or a prompt; never a flag,
 * which every user of the machine could read.
 *
 * @module
 */

import { CallerError } from "../errors.ts";
import { KeyRing } from "../fernet.ts";
import { loadKeyFile } from "../server/key_file.ts";
import { promptSecrets, readStandardInput } from "./passwords.ts";

/**
 * Reads the ring from a file that has one key a line; `-` is the standard input.
 *
 * @throws {EnvironmentError} `key-file-unusable`.
 * @throws {CallerError} `key-malformed` or `key-ring-empty` for the standard input.
 */
export async function ringFromFile(path: string): Promise<KeyRing> {
  if (path !== "-") return loadKeyFile(path);
  return KeyRing.parse(new TextDecoder().decode(await readStandardInput()));
}

/**
 * Asks for one key on the terminal.
 *
 * @throws {CallerError} `key-missing` without a terminal, `key-malformed`.
 */
export async function promptRing(): Promise<KeyRing> {
  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) {
    throw new CallerError("key-missing", "No key was given", {
      hint: "run it in a terminal, or pass --key-file FILE (- for the standard input)",
    });
  }
  const [text] = await promptSecrets("Fernet key: ");
  return KeyRing.parse((text ?? "").trim());
}
