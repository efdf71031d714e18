/**
 * Where passwords come from: a prompt, a file, the standard input or the environment; never a flag,
 * which every user of the machine could read.
 *
 * @module
 */

import { systemTerminal } from "../client/terminal/io.ts";
import { Terminal } from "../client/terminal/terminal.ts";
import { CallerError, EnvironmentError, ExitCode } from "../errors.ts";

/** Bytes of a file with a password: what is larger was named by mistake. */
const MAX_FILE_BYTES = 64 * 1024;

/**
 * Reads a password from a file, without the newline at its end; `-` is the standard input.
 *
 * @throws {EnvironmentError} `password-file-unusable`.
 */
export async function passwordFromFile(path: string): Promise<string> {
  try {
    const bytes = path === "-" ? await readStandardInput() : await Deno.readFile(path);
    if (bytes.length > MAX_FILE_BYTES) throw new RangeError("it is too large");
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EnvironmentError(
      "password-file-unusable",
      `Cannot read the password from ${path}: ${reason}`,
      { cause, hint: "name a text file that holds the password alone" },
    );
  }
}

/** Everything on the standard input. */
export async function readStandardInput(): Promise<Uint8Array> {
  return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
}

/**
 * Asks for a new password twice.
 *
 * @throws {CallerError} `password-missing` without a terminal, `password-mismatch`.
 */
export async function promptNewPassword(name: string): Promise<string> {
  if (!Deno.stdin.isTerminal()) {
    throw new CallerError("password-missing", "No password was given", {
      hint: "run it in a terminal, or pass --password-file FILE (- for the standard input)",
    });
  }
  const [first, again] = await promptSecrets(`New password for ${name}: `, "The same again: ");
  if (first !== again) {
    throw new CallerError("password-mismatch", "The two passwords differ", {
      hint: "nothing was changed; try again",
    });
  }
  return first as string;
}

/** Asks on the terminal for secrets, one after another, without showing them. */
export async function promptSecrets(...prompts: string[]): Promise<string[]> {
  await using terminal = Terminal.open(systemTerminal(), {
    color: false,
    maxLineBytes: MAX_FILE_BYTES,
    onInterrupt: () => leave(terminal),
  });
  const secrets: string[] = [];
  for (const prompt of prompts) {
    const input = await terminal.readPassword(prompt);
    secrets.push(input.kind === "line" ? input.text : leave(terminal));
  }
  return secrets;
}

function leave(terminal: Terminal): never {
  terminal.restore();
  Deno.exit(ExitCode.interrupted);
}
