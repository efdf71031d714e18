/**
 * What a server is made of, put together: the composition root. Nothing is accepted before that is
 * done.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../database.ts";
import { FernetKey, KeyRing } from "../fernet.ts";
import { SqliteLog } from "../log/sqlite_log.ts";
import { checkDemo, isLoopback, prepareDemo } from "./demo.ts";
import { Floor } from "./floor.ts";
import { Hub } from "./hub.ts";
import { loadOrCreateKeyFile } from "./key_file.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { listen } from "./listener.ts";
import { limited, type LimitedLogger } from "./log_quota.ts";
import { LoginPacing } from "./login_pacing.ts";
import { Metrics } from "./metrics.ts";
import { Operations } from "./operations.ts";
import type { ServerOptions } from "./options.ts";
import { People } from "./people.ts";
import { Presence } from "./presence.ts";
import { RoomDirectory } from "./room_directory.ts";
import { SealedService } from "./sealed/sealed_service.ts";
import type { SessionContext } from "./session_context.ts";
import { TokenBuckets } from "./token_bucket.ts";
import { Turns } from "./turns.ts";

/** The parts that have to be closed, and what the sessions share. */
export interface Composition {
  database: DatabaseSync;
  listener: Deno.TcpListener;
  context: SessionContext;
  /** The context's own, which writes what it held back when it is disposed of. */
  bounded: LimitedLogger;
}

/** What stands on the database. */
type Stored = Pick<SessionContext, "operations" | "log" | "hub" | "directory" | "metrics">;

/**
 * Puts a server together, and listens.
 *
 * @throws {EnvironmentError} if the port, the database or the key file cannot be used, or if the
 * address is public and nobody but the demo account could log in.
 */
export async function compose(options: ServerOptions): Promise<Composition> {
  const database = openDatabase(options.db);
  try {
    const stored = await openStored(database, options);
    const listener = listen(options.host, options.port);
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const bounded = limited(options.logger, { perMinute: limits.linesPerMinute });
    const context = makeContext(options, { ...stored, limits, bounded });
    return { database, listener, context, bounded };
  } catch (error) {
    database.close();
    throw error;
  }
}

async function openStored(database: DatabaseSync, options: ServerOptions): Promise<Stored> {
  const operations = await Operations.open(database, options.db);
  if (!operations.accounts.hasOwn()) checkDemo(options);
  const ring = options.keyFile === undefined
    ? new KeyRing([FernetKey.generate()])
    : loadOrCreateKeyFile(options.keyFile);
  const metrics = new Metrics();
  const log = new SqliteLog(database, options.db, {
    onCommit: (commit) => metrics.committed(commit),
  });
  const { rooms, commits } = operations.delivery;
  const hub = new Hub(log, ring, {
    sealed: {
      keyOf: (room, user) => rooms.find(room, user)?.keyId,
      commitOf: (room, seq) => commits.find(room, seq),
    },
  });
  return { operations, log, hub, directory: new RoomDirectory(operations.rooms, hub), metrics };
}

function makeContext(
  options: ServerOptions,
  parts: Stored & Pick<SessionContext, "limits" | "bounded">,
): SessionContext {
  const { operations, hub, limits } = parts;
  const { accounts, sanctions, delivery, rooms } = operations;
  const people = new People();
  const { messagesPerSecond: perSecond, messageBurst: burst, maxStagedBytes } = limits;
  const demoAllowed = options.demo || isLoopback(options.host);
  return {
    ...parts,
    accounts,
    sanctions,
    people,
    sealed: new SealedService({ accounts, delivery, rooms, hub, people, maxStagedBytes }),
    presence: new Presence((room, message) => hub.tell(room, message), options.presence),
    floor: new Floor(),
    demoAllowed,
    demoReady: demoAllowed ? prepareDemo(accounts, options.logger) : Promise.resolve(),
    rates: new TokenBuckets({ perSecond, burst }),
    pacing: new LoginPacing(options.pacing),
    turns: new Turns(),
    logger: options.logger,
  };
}
