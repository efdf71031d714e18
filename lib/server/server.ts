/**
 * A running server: the database, the log, the hub and a listener whose connections become
 * sessions. The one place that joins them.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../database.ts";
import { describeError } from "../errors.ts";
import { FernetKey, KeyRing } from "../fernet.ts";
import type { Head } from "../log/message_log.ts";
import { SqliteLog } from "../log/sqlite_log.ts";
import { LOBBY } from "../rooms/open_room.ts";
import { addressGroup } from "./address_group.ts";
import { Admission } from "./admission.ts";
import { type DatabaseWatcher, watchDatabase } from "./database_watcher.ts";
import { checkDemo, isLoopback, prepareDemo } from "./demo.ts";
import { Floor } from "./floor.ts";
import { Hub } from "./hub.ts";
import { loadOrCreateKeyFile } from "./key_file.ts";
import { type KeyWatcher, watchKeyFile } from "./key_watcher.ts";
import { DEFAULT_LIMITS, type Limits, STOP_DEADLINE_MS } from "./limits.ts";
import { connections, listen } from "./listener.ts";
import { limited, type LimitedLogger } from "./log_quota.ts";
import type { Logger } from "./logger.ts";
import { LoginPacing, type PacingOptions } from "./login_pacing.ts";
import { Metrics } from "./metrics.ts";
import { Operations } from "./operations.ts";
import { People } from "./people.ts";
import { Presence, type PresenceOptions } from "./presence.ts";
import { RoomDirectory } from "./room_directory.ts";
import { SealedService } from "./sealed/sealed_service.ts";
import { Session } from "./session.ts";
import type { SessionContext } from "./session_context.ts";
import { readAllStandings } from "./standing.ts";
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
  /** How comings and goings are gathered, where it is not by default. */
  presence?: Partial<PresenceOptions>;
  /** Called with the ring that is in the key file now, when it has changed. */
  onNewKey?(ring: KeyRing): void;
}

/** The end of a room's log. */
export interface RoomHead extends Head {
  room: string;
}

/** What a server is made of. */
interface Parts {
  database: DatabaseSync;
  operations: Operations;
  log: SqliteLog;
  hub: Hub;
  directory: RoomDirectory;
  metrics: Metrics;
  listener: Deno.TcpListener;
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
    const directory = new RoomDirectory(operations.rooms, hub);
    const listener = listen(options.host, options.port);
    const parts = { database, operations, log, hub, directory, metrics, listener };
    return new RunningServer(options, parts);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** See {@linkcode startServer}. */
export class RunningServer {
  readonly #parts: Parts;
  readonly #limits: Limits;
  readonly #logger: Logger;
  readonly #bounded: LimitedLogger;
  readonly #admission: Admission;
  readonly #context: SessionContext;
  readonly #sessions = new Map<Session, Promise<void>>();
  readonly #accepting: Promise<void>;
  readonly #silenceCheck: ReturnType<typeof setInterval>;
  readonly #keyWatcher: KeyWatcher | undefined;
  readonly #databaseWatcher: DatabaseWatcher;

  constructor(options: ServerOptions, parts: Parts) {
    this.#parts = parts;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#logger = options.logger;
    this.#bounded = limited(options.logger, {
      perMinute: this.#limits.linesPerMinute,
    });
    this.#admission = new Admission(this.#limits);
    this.#context = this.#makeContext(options);
    this.#keyWatcher = this.#watchKeys(options);
    this.#databaseWatcher = watchDatabase(parts.database, {
      onChange: () => this.#review(),
      onError: (error) => this.#logger.error("cannot-review", { reason: describeError(error) }),
    });
    this.#silenceCheck = setInterval(() => this.#checkSilence(), this.#limits.silenceCheckMs);
    parts.metrics.observeQueues(() => this.#queuedBytes());
    this.#accepting = this.#accept();
  }

  /** Where it listens. */
  get address(): Deno.NetAddr {
    return this.#parts.listener.addr;
  }

  /** How many connections it serves. */
  get connections(): number {
    return this.#sessions.size;
  }

  /** The Fernet keys of the open rooms, newest first. */
  get ring(): KeyRing {
    return this.#context.hub.ring;
  }

  /** Whether the demo account can log in now. */
  get demo(): boolean {
    const { demoAllowed, accounts } = this.#context;
    return demoAllowed && !accounts.hasOwn();
  }

  /**
   * The last entries of the lobby and of all rooms with messages, the lobby first: what an operator
   * notes to check the log against later.
   */
  async heads(): Promise<RoomHead[]> {
    const { log, operations: { rooms } } = this.#parts;
    const others = rooms.list().map(({ name }) => name).filter((room) => room !== LOBBY);
    const heads: RoomHead[] = [{ room: LOBBY, ...await log.head(LOBBY) }];
    for (const room of others) heads.push({ room, ...await log.head(room) });
    return heads.filter(({ room, seq }) => room === LOBBY || seq > 0);
  }

  /** Looks at the key file now, instead of some seconds later. */
  checkKeyFile(): void {
    this.#keyWatcher?.check();
  }

  /**
   * Stops accepting, tells the clients, stores what was received, and releases everything.
   * Returns the rooms' last entries, as {@linkcode heads}.
   */
  async stop(): Promise<RoomHead[]> {
    const { listener, log, database } = this.#parts;
    listener.close();
    clearInterval(this.#silenceCheck);
    this.#keyWatcher?.close();
    this.#databaseWatcher.close();
    await this.#accepting;
    await this.#context.demoReady;
    await log.close(); // what was received is acked before the good-bye
    await this.#stopSessions();
    await log.close();
    this.#context.presence.close();
    this.#context.hub.close();
    this.#bounded[Symbol.dispose]();
    const heads = await this.heads();
    database.close();
    return heads;
  }

  #makeContext(options: ServerOptions): SessionContext {
    const { operations, log, hub, directory, metrics } = this.#parts;
    const { accounts, sanctions, delivery, rooms } = operations;
    const people = new People();
    const { messagesPerSecond: perSecond, messageBurst: burst, maxStagedBytes } = this.#limits;
    const demoAllowed = options.demo || isLoopback(options.host);
    return {
      accounts,
      log,
      hub,
      directory,
      sanctions,
      operations,
      people,
      sealed: new SealedService({ accounts, delivery, rooms, hub, people, maxStagedBytes }),
      presence: new Presence((room, message) => hub.tell(room, message), options.presence),
      floor: new Floor(),
      demoAllowed,
      demoReady: demoAllowed ? prepareDemo(accounts, options.logger) : Promise.resolve(),
      limits: this.#limits,
      rates: new TokenBuckets({ perSecond, burst }),
      pacing: new LoginPacing(options.pacing),
      turns: new Turns(),
      metrics,
      logger: this.#logger,
      bounded: this.#bounded,
    };
  }

  #watchKeys({ keyFile, onNewKey }: ServerOptions): KeyWatcher | undefined {
    if (keyFile === undefined) return undefined;
    return watchKeyFile(keyFile, {
      ring: this.ring,
      onChange: (ring) => {
        this.#context.hub.rotate(ring);
        this.#logger.info("keys-changed", { key_id: ring.primary.id });
        onNewKey?.(ring);
      },
      onError: (error) => this.#logger.error("key-file-unusable", { reason: describeError(error) }),
    });
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
    const onError = (error: unknown): void =>
      this.#bounded.error("cannot-accept", { reason: describeError(error) });
    for await (const connection of connections(this.#parts.listener, onError)) {
      this.#serve(connection);
    }
  }

  #serve(connection: Deno.TcpConn): void {
    const { metrics } = this.#parts;
    const { hostname, port } = connection.remoteAddr;
    const name = `${hostname}:${port}`;
    const group = addressGroup(hostname);
    const admitted = this.#admission.admit(group, () => session.evict());
    if ("refused" in admitted) {
      metrics.connectionRefused(admitted.refused);
      this.#bounded.warn("connection-refused", { peer: name, reason: admitted.refused });
      return connection.close();
    }
    const { authenticated, leave } = admitted;
    const session = new Session(
      { stream: connection, address: hostname, group, name, authenticated },
      this.#context,
    );
    metrics.connectionOpened();
    const ended = session.run().finally(() => {
      leave();
      metrics.connectionClosed();
      this.#sessions.delete(session);
    });
    this.#sessions.set(session, ended);
  }

  #checkSilence(): void {
    const now = performance.now();
    for (const session of this.#sessions.keys()) session.checkSilence(now);
  }

  /** Another process has changed something: who is connected may not be allowed to, any more. */
  #review(): void {
    const { people, directory } = this.#context;
    directory.refresh();
    const standings = readAllStandings(this.#context);
    for (const visitor of people.all()) visitor.review(standings.get(visitor.user));
  }

  #queuedBytes(): number {
    return [...this.#sessions.keys()].reduce((sum, session) => sum + session.queuedBytes, 0);
  }
}
