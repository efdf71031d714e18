/**
 * The few kinds of error, by whose fault it is: the peer's, the caller's, the environment's, or
 * our own. Each has one line for people, a hint (what to do next), a code for programs and an exit
 * code for scripts; what happened underneath is always in `cause`.
 *
 * @module
 */

/** Exit codes of both programs: a contract that scripts rely on (DESIGN.md section 6). */
export const ExitCode = {
  done: 0,
  failure: 1,
  usage: 2,
  loginRefused: 3,
  cannotConnect: 4,
  verificationFailed: 5,
  interrupted: 130,
} as const;

/** What every error of this project carries besides its message. */
export interface ErrorDetails {
  /** The error underneath, if there was one. */
  cause?: unknown;
  /** What the reader can do next: one sentence without a full stop. */
  hint?: string;
}

/** The root of the family: `catch` this to catch whatever Fernchat throws on purpose. */
export abstract class FernchatError extends Error {
  /** A stable, lower-case, hyphenated name of what went wrong, for programs. */
  readonly code: string;
  /** What the reader can do next, if there is something to do. */
  readonly hint: string | undefined;
  /** The exit code of a program that ends with this error. */
  readonly exitCode: number = ExitCode.failure;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
  }
}

/** What a peer can do wrong. Each ends that peer's connection, and nothing else. */
export type PeerFault =
  | "connection-cut" // the bytes ended without an authenticated close
  | "deadline-missed" // the peer did not answer in time
  | "frame-too-large" // a length prefix above the limit in force
  | "frame-truncated" // the bytes ended inside a frame
  | "key-outdated" // a message sealed with a key that is not taken any more
  | "message-invalid" // not canonical JSON, or not of any schema
  | "message-unexpected" // a valid message in the wrong state
  | "mls-invalid" // a group's bytes that are cut, altered, forged, or of another group or epoch
  | "mls-refused" // a change of a group that its rules do not allow
  | "not-fernchat" // the first bytes are not our protocol's
  | "record-invalid" // forged, replayed, reordered, reflected, or sealed with another key
  | "room-inconsistent" // a delivery that contradicts itself or what came before
  | "token-invalid" // a Fernet token that does not verify
  | "too-slow" // the peer reads slower than it is written to
  | "vault-invalid" // a vault's blob that is not what was put there under that name and version
  | "version-mismatch"; // another version of our protocol

/** The other side broke the protocol, on purpose or not. */
export class PeerError extends FernchatError {
  declare readonly code: PeerFault;

  constructor(code: PeerFault, message: string, details: ErrorDetails = {}) {
    super(code, message, details);
  }
}

/** The caller, often a person at a command line, asked for something that cannot be. */
export class CallerError extends FernchatError {
  override readonly exitCode: number = ExitCode.usage;
}

/** The world around the program said no: a disk, a port, a file, a damaged database. */
export class EnvironmentError extends FernchatError {}

/** No Fernchat server could be reached at the address. */
export class ConnectError extends EnvironmentError {
  override readonly exitCode: number = ExitCode.cannotConnect;
}

/** The login failed: credentials, or a server that could not prove itself. */
export class LoginError extends FernchatError {
  override readonly exitCode: number = ExitCode.loginRefused;
}

/** What was kept is not what it was: the log does not verify. */
export class VerificationError extends FernchatError {
  override readonly exitCode: number = ExitCode.verificationFailed;
}

/** Our own bug: a state that cannot be. Never thrown for anything that a peer or user can cause. */
export class BugError extends FernchatError {
  constructor(message: string, details: ErrorDetails = {}) {
    super("bug", message, { hint: "this is a bug in Fernchat: please report it", ...details });
  }
}

/**
 * One line about any error, for a person: the message and what to do next, never a stack trace.
 *
 * The line may hold text from elsewhere (a file's name, a peer's words): pass it through the
 * sanitizer before it goes to a terminal.
 *
 * @example
 * ```ts
 * import { CallerError, describeError } from "./errors.ts";
 * const error = new CallerError("bad-port", "Not a port: 99999", { hint: "use 0 to 65535" });
 * console.assert(describeError(error) === "Not a port: 99999: use 0 to 65535");
 * ```
 */
export function describeError(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  const hint = error instanceof FernchatError ? error.hint : undefined;
  return (hint === undefined ? message : `${message}: ${hint}`).replaceAll(/\s*\n\s*/g, " ");
}

/** The exit code that stands for any error: 1 for those that are not of this family. */
export function exitCodeOf(error: unknown): number {
  return error instanceof FernchatError ? error.exitCode : ExitCode.failure;
}
