/**
 * What both programs share: a command line that teaches, and an end with one line and an exit code.
 *
 * @module
 */

import { Command, CommanderError } from "commander";
import { sanitizeText } from "../client/terminal/sanitize.ts";
import { describeError, ExitCode, exitCodeOf } from "../errors.ts";
import config from "../../deno.json" with { type: "json" };

/** The version of both programs. */
export const VERSION: string = config.version;

/** A program whose command line is read by {@linkcode runProgram}. */
export function createProgram(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(`fernchat ${name} ${VERSION}`, "-V, --version", "show the version")
    .helpOption("-h, --help", "show this help")
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text) => complain(usageError(name, text)) })
    .exitOverride();
}

/**
 * Runs a program to its end. Whatever goes wrong ends as one line on stderr and an exit code.
 *
 * @param args the command line without the program's own name.
 */
export async function runProgram(program: Command, args: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    Deno.exit(error instanceof CommanderError ? usageExitCode(error) : fail(error));
  }
}

/** Says on stderr why the program ends; returns its exit code. */
export function fail(error: unknown): number {
  complain(`Error: ${describeError(error)}`);
  return exitCodeOf(error);
}

/** Writes lines to stderr, harmless for a terminal whatever they hold. Never throws. */
export function complain(text: string): void {
  try {
    console.error(sanitizeText(text, { keepNewlines: true }));
  } catch {
    // A full disk, or nobody reads any more: no reason to stop, and nowhere to say it.
  }
}

/** The library's words as one line, with what to do next. */
function usageError(name: string, text: string): string {
  const line = text.trim().replace(/^error: /, "").replace(/\.?\s*\n\s*/g, " ");
  return `Error: ${line}: try ${name} --help`;
}

/** The library has said what is wrong already. */
function usageExitCode(error: CommanderError): number {
  return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
}
