/**
 * A running server: the database, the log, the hub and a listener whose connections become
 * sessions. The one place that joins them.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { Accounts } from "../auth/accounts.ts";
import { openDatabase } from "../database.ts";
import { describeError, EnvironmentError } from "../errors.ts";
import { FernetKey, KeyRing } from "../fernet.ts";
import type { Head } from "../log/message_log.ts";
import { SqliteLog } from "../log/sqlite_log.ts";
import { LOBBY } from "../rooms/open_room.ts";
import { Hub } from "./hub.ts";
import { addressGroup } from "./address_group.ts";
import { Admission } from "./admission.ts";
import { loadOrCreateKeyFile } from "./key_file.ts";
import { DEFAULT_LIMITS, type Limits, STOP_DEADLINE_MS } from "./limits.ts";
import { type LimitedLogger, limited } from "./log_quota.ts";
import type { Logger } from "./logger.ts";
import { LoginPacing, type PacingOptions } from "./login_pacing.ts";
import { Metrics } from "./metrics.ts";
import { Session, type SessionContext } from "./session.ts";
import { TokenBuckets } from "./token_bucket.ts";
import { Turns } from "./turns.ts";

/** What an operator decides. */
export interface ServerOptions {
  /** The address to listen on. */
  host: string;
  /** The port; 0 for a free one. */
  port: number;
  /** The database's file. */
  db: string;
  /** Keeps the Fernet keys over restarts; without it, each start makes a new key. */
  keyFile?: string;
  /** Allows the demo account on an address that others can reach. */
  demo: boolean;
  /** Takes what happens, without secrets and texts. */
  logger: Logger;
  /** What peers are granted, where it is not as in {@linkcode DEFAULT_LIMITS}. */
  limits?: Partial<Limits>;
  /** How logins are paced, where it is not by default. */
  pacing?: Partial<PacingOptions>;
}

/** Whether an address can be reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/**
 * Starts a server; it listens when this resolves.
 *
 * @throws {EnvironmentError} if the port, the database or the key file cannot be used, or if the
 * address is public and nobody but the demo account could log in.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const database = openDatabase(options.db);
  try {
    const accounts = await Accounts.open(database, options.db);
    if (!accounts.hasOwn()) checkDemo(options);
    const ring = options.keyFile === undefined
      ? new KeyRing([FernetKey.generate()])
      : loadOrCreateKeyFile(options.keyFile);
    const log = new SqliteLog(database, options.db);
    return new RunningServer(options, database, accounts, log, ring, listen(options));
  } catch (error) {
    database.close();
    throw error;
  }
}

/** See {@linkcode startServer}. */
export class RunningServer {
  /** The Fernet keys of the open rooms, newest first. */
  readonly ring: KeyRing;
  readonly #options: ServerOptions;
  readonly #database: DatabaseSync;
  readonly #log: SqliteLog;
  readonly #listener: Deno.TcpListener;
  readonly #context: SessionContext;
  readonly #sessions = new Map<Session, Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(
    options: ServerOptions,
    database: DatabaseSync,
    accounts: Accounts,
    log: SqliteLog,
    ring: KeyRing,
    listener: Deno.TcpListener,
  ) {
    this.#options = options;
    this.#database = database;
    this.#log = log;
    this.ring = ring;
    this.#listener = listener;
    const demoAllowed = options.demo || isLoopback(options.host);
    this.#context = {
      accounts,
      hub: new Hub(log, ring),
      demoAllowed,
      demoReady: demoAllowed ? prepareDemo(accounts, options) : Promise.resolve(),
      report: options.report,
    };
    this.#accepting = this.#accept();
  }

  /** Where it listens. */
  get address(): Deno.NetAddr {
    return this.#listener.addr;
  }

  /** Whether the demo account can log in now. */
  get demo(): boolean {
    const { demoAllowed, accounts } = this.#context;
    return demoAllowed && !accounts.hasOwn();
  }

  /** The lobby's last entry: what an operator notes to check the log against later. */
  head(): Promise<Head> {
    return this.#log.head(LOBBY);
  }

  /**
   * Stops accepting, tells the clients, stores what was received, and releases everything.
   * Returns the lobby's last entry.
   */
  async stop(): Promise<Head> {
    this.#listener.close();
    await this.#accepting;
    await this.#context.demoReady;
    await this.#log.close(); // what was received is acked before the good-bye
    await this.#stopSessions();
    await this.#log.close();
    this.#context.hub.close();
    const head = await this.head();
    this.#database.close();
    return head;
  }

  async #stopSessions(): Promise<void> {
    const patience = setTimeout(() => {
      for (const session of this.#sessions.keys()) session.abort();
    }, STOP_DEADLINE_MS);
    const reason = "The server is stopping";
    await Promise.all([...this.#sessions.keys()].map((one) => one.stop("server-stopping", reason)));
    await Promise.all(this.#sessions.values());
    clearTimeout(patience);
  }

  async #accept(): Promise<void> {
    for (;;) {
      try {
        this.#serve(await this.#listener.accept());
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
          return; // the listener was closed
        }
        if (isGone(error)) continue;
        this.#options.report(`Cannot accept a connection: ${describeError(error)}`);
        await new Promise((resolve) => setTimeout(resolve, 100)); // until files are free again
      }
    }
  }

  #serve(connection: Deno.TcpConn): void {
    if (this.#sessions.size >= MAX_CONNECTIONS) return connection.close();
    setNoDelay(connection);
    const { hostname, port } = connection.remoteAddr;
    const session = new Session(connection, `${hostname}:${port}`, this.#context);
    this.#sessions.set(session, session.run().finally(() => this.#sessions.delete(session)));
  }
}

/** A peer that was gone before it was accepted: that costs nobody else anything. */
function isGone(error: unknown): boolean {
  const { NotConnected, ConnectionAborted, ConnectionReset } = Deno.errors;
  return [NotConnected, ConnectionAborted, ConnectionReset].some((kind) => error instanceof kind);
}

function setNoDelay(connection: Deno.TcpConn): void {
  try {
    connection.setNoDelay(true);
  } catch {
    // It is gone already: its session finds out at the first read.
  }
}

function checkDemo({ host, demo }: ServerOptions): void {
  if (demo || isLoopback(host)) return;
  throw new EnvironmentError(
    "no-accounts",
    `Cannot listen on ${host}: others can reach it, and there is no account but the demo one`,
    { hint: "add one with `user add NAME`, or pass --demo to let everyone in as user1" },
  );
}

function listen({ host, port }: ServerOptions): Deno.TcpListener {
  try {
    return Deno.listen({ hostname: host, port });
  } catch (cause) {
    const [reason, hint] = cause instanceof Deno.errors.AddrInUse
      ? ["the port is taken", "end the other program, or pick another port with --port (0: any)"]
      : cause instanceof Deno.errors.PermissionDenied
      ? ["the system does not allow it", "use a port above 1023"]
      : [cause instanceof Error ? cause.message : String(cause), "check --host and --port"];
    const message = `Cannot listen on ${host}:${port}: ${reason}`;
    throw new EnvironmentError("cannot-listen", message, { cause, hint });
  }
}

/**
 * The demo account's key stretching takes half a second once per database: the server listens
 * first, and a login waits.
 */
function prepareDemo(accounts: Accounts, { report }: ServerOptions): Promise<void> {
  return new Promise((resolve) =>
    setTimeout(() => {
      try {
        accounts.ensureDemo();
      } catch (error) {
        report(`Cannot make the demo account: ${describeError(error)}`);
      }
      resolve();
    })
  );
}
