/**
 * A running server: what it is made of, its connections, and what it watches. The one place that
 * starts and stops them.
 *
 * @module
 */

import { describeError } from "../errors.ts";
import type { KeyRing } from "../fernet.ts";
import type { Head } from "../log/message_log.ts";
import { LOBBY } from "../rooms/open_room.ts";
import { Acceptor } from "./acceptor.ts";
import { compose, type Composition } from "./composition.ts";
import { type DatabaseWatcher, watchDatabase } from "./database_watcher.ts";
import { type KeyWatcher, watchKeyFile } from "./key_watcher.ts";
import type { ServerOptions } from "./options.ts";
import { readAllStandings } from "./standing.ts";

export type { ServerOptions } from "./options.ts";

/** The end of a room's log. */
export interface RoomHead extends Head {
  room: string;
}

/**
 * Starts a server; it listens when this resolves.
 *
 * @throws what {@linkcode compose} throws.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  return new RunningServer(options, await compose(options));
}

/** See {@linkcode startServer}. */
export class RunningServer {
  readonly #parts: Composition;
  readonly #acceptor: Acceptor;
  readonly #keyWatcher: KeyWatcher | undefined;
  readonly #databaseWatcher: DatabaseWatcher;

  constructor(options: ServerOptions, parts: Composition) {
    this.#parts = parts;
    this.#keyWatcher = this.#watchKeys(options);
    this.#databaseWatcher = watchDatabase(parts.database, {
      onChange: () => this.#review(),
      onError: (error) => options.logger.error("cannot-review", { reason: describeError(error) }),
    });
    this.#acceptor = new Acceptor(parts.listener, parts.context);
  }

  /** Where it listens. */
  get address(): Deno.NetAddr {
    return this.#parts.listener.addr;
  }

  /** How many connections it serves. */
  get connections(): number {
    return this.#acceptor.connections;
  }

  /** The Fernet keys of the open rooms, newest first. */
  get ring(): KeyRing {
    return this.#parts.context.hub.ring;
  }

  /** Whether the demo account can log in now. */
  get demo(): boolean {
    const { demoAllowed, accounts } = this.#parts.context;
    return demoAllowed && !accounts.hasOwn();
  }

  /**
   * The last entries of the lobby and of all rooms with messages, the lobby first: what an operator
   * notes to check the log against later.
   */
  async heads(): Promise<RoomHead[]> {
    const { log, operations: { rooms } } = this.#parts.context;
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
    const { database, context: { demoReady, log, presence, hub }, bounded } = this.#parts;
    const accepted = this.#acceptor.close();
    this.#keyWatcher?.close();
    this.#databaseWatcher.close();
    await accepted;
    await demoReady;
    await log.close(); // what was received is acked before the good-bye
    await this.#acceptor.stopSessions();
    await log.close();
    presence.close();
    hub.close();
    bounded[Symbol.dispose]();
    const heads = await this.heads();
    database.close();
    return heads;
  }

  #watchKeys({ keyFile, logger, onNewKey }: ServerOptions): KeyWatcher | undefined {
    if (keyFile === undefined) return undefined;
    return watchKeyFile(keyFile, {
      ring: this.ring,
      onChange: (ring) => {
        this.#parts.context.hub.rotate(ring);
        logger.info("keys-changed", { key_id: ring.primary.id });
        onNewKey?.(ring);
      },
      onError: (error) => logger.error("key-file-unusable", { reason: describeError(error) }),
    });
  }

  /** Another process has changed something: who is connected may not be allowed to, any more. */
  #review(): void {
    const { context } = this.#parts;
    context.directory.refresh();
    const standings = readAllStandings(context);
    for (const visitor of context.people.all()) visitor.review(standings.get(visitor.user));
  }
}
