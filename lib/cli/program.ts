/**
 * What both programs share: a command line that teaches, and an end with one line and an exit code.
 *
 * @module
 */

import { Command, CommanderError } from "commander";
import { sanitizeText } from "../client/terminal/sanitize.ts";
import { CallerError, describeError, ExitCode, exitCodeOf } from "../errors.ts";
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

/**
 * Ends as for any command that there is not. The library itself does so, and suggests similar ones,
 * only for a program that does nothing without a command.
 *
 * @param known names that are no commands of `program`, but might have been meant.
 */
export async function refuseCommand(
  program: Command,
  name: string,
  known: readonly string[],
): Promise<never> {
  const names = createProgram(program.name(), program.description());
  for (const one of [...program.commands.map((command) => command.name()), ...known]) {
    names.command(one);
  }
  await names.parseAsync([name], { from: "user" });
  throw new CallerError("command-unknown", `The command ${name} cannot be here`, {
    hint: `try ${program.name()} --help`,
  });
}

/** Says on stderr why the program ends; returns its exit code. */
export function fail(error: unknown): number {
  complain(`Error: ${describeError(error)}`);
  return exitCodeOf(error);
}

/** Writes a line to stderr: one, and harmless for a terminal, whatever it holds. Never throws. */
export function complain(text: string): void {
  writeLine(Deno.stderr, sanitizeText(text));
}

/** Writes lines to stdout as they are. */
export function say(text: string): void {
  writeLine(Deno.stdout, text);
}

/**
 * Writes a line, but not by `console`: with `OTEL_DENO=true` Deno sends all that goes through it,
 * keys and names among them, to whoever collects the telemetry.
 */
export function writeLine(stream: { writeSync(bytes: Uint8Array): number }, line: string): void {
  try {
    let rest = new TextEncoder().encode(`${line}\n`);
    while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
  } catch {
    // Nobody reads it any more, which is no reason to end.
  }
}

/** The library's words as one line, with what to do next. */
function usageError(name: string, text: string): string {
  const line = text.trim()
    .replace(/^error: /, "")
    .replace(/^unknown command '(.*)'/, "There is no command $1")
    .replace(/\.$/, "")
    .replace(/\.?\s*\n\s*/g, " ");
  return `Error: ${line}: try ${name} --help`;
}

/** The library has said what is wrong already. */
function usageExitCode(error: CommanderError): number {
  return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
}
