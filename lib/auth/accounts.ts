/**
 * Accounts: names with their OPAQUE records, in the server's database. Other processes may change
 * them at any time, so nothing is kept in memory but the server's own secrets.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { databaseError, transaction } from "../database.ts";
import { CallerError, EnvironmentError } from "../errors.ts";
import { isAccountName } from "../protocol/messages.ts";
import { createDecoyRecord, createServerSetup, opaqueReady, registerLocally } from "./opaque.ts";

/** The demo account: public, so it works only on loopback and while there is no other account. */
export const DEMO = { name: "user1", password: "pass1" } as const;

/** Characters of a password, for people who count; OPAQUE itself has no limit. */
const MAX_PASSWORD_CHARS = 1024;

/**
 * A row in either case: a look that finds nothing would be some microseconds quicker, and tell.
 * An account's name is never empty.
 */
const FIND_OR_DECOY = `
  SELECT name, record, demo, created_at FROM accounts WHERE name = ?
  UNION ALL SELECT '', ?, 0, '' LIMIT 1`;

/** An account, without its secrets. */
export interface Account {
  name: string;
  demo: boolean;
  /** ISO 8601, UTC. */
  created_at: string;
}

interface Row {
  name: string;
  record: string;
  demo: number;
  created_at: string;
}

/** The accounts of one database. */
export class Accounts {
  readonly #database: DatabaseSync;
  readonly #path: string;
  /** OPAQUE's long-term secrets of this server. Without them, no record can be used. */
  readonly setup: string;
  /** What logins to no account are answered from. It need not outlive the process: nobody sees it. */
  readonly decoy: string = createDecoyRecord();

  private constructor(database: DatabaseSync, path: string, setup: string) {
    this.#database = database;
    this.#path = path;
    this.setup = setup;
  }

  /** Opens the accounts of a database; makes the server's secrets the first time. */
  static async open(database: DatabaseSync, path: string): Promise<Accounts> {
    await opaqueReady;
    try {
      const setup = transaction(database, () => loadOrCreateSetup(database));
      return new Accounts(database, path, setup);
    } catch (error) {
      throw databaseError(path, error);
    }
  }

  /** The account and its OPAQUE record, if there is one of that name in any case of letters. */
  find(name: string): (Account & { record: string }) | undefined {
    const row = this.#query(() =>
      this.#database.prepare("SELECT * FROM accounts WHERE name = ?").get(name)
    ) as Row | undefined;
    return row && { ...toAccount(row), record: row.record };
  }

  /**
   * The same for somebody who wants to log in, with the decoy's record if there is no such account:
   * how long it takes does not tell.
   */
  findForLogin(name: string): { account: Account | undefined; record: string } {
    const row = this.#query(() =>
      this.#database.prepare(FIND_OR_DECOY).get(name, this.decoy)
    ) as unknown as Row;
    return { account: row.name === "" ? undefined : toAccount(row), record: row.record };
  }

  /** All accounts by name. */
  list(): Account[] {
    const rows = this.#query(() =>
      this.#database.prepare("SELECT * FROM accounts ORDER BY name").all()
    ) as unknown as Row[];
    return rows.map(toAccount);
  }

  /** Whether there is an account of someone's own, which ends the demo. */
  hasOwn(): boolean {
    return this.list().some((account) => !account.demo);
  }

  /**
   * Adds an account, and removes the demo account.
   *
   * @throws {CallerError} `name-invalid`, `password-invalid`.
   * @throws {EnvironmentError} `name-taken`.
   */
  add(name: string, password: string): void {
    checkName(name);
    checkPassword(password);
    if (this.find(name)?.demo === false) {
      throw new EnvironmentError(
        "name-taken",
        `Cannot add ${name}: there is an account of that name`,
        {
          hint: "choose another name, or change its password with `user passwd`",
        },
      );
    }
    const record = registerLocally(this.setup, name, password);
    this.#write(() => {
      this.#database.exec("DELETE FROM accounts WHERE demo = 1");
      this.#insert(name, record, false);
    });
  }

  /** Stores a new record for an account: a new password. Throws `name-unknown`. */
  setRecord(name: string, record: string): void {
    const { changes } = this.#write(() =>
      this.#database.prepare("UPDATE accounts SET record = ? WHERE name = ?").run(record, name)
    );
    if (changes === 0) throw unknown(name);
  }

  /** Gives an account a new password. Throws `name-unknown`, `password-invalid`. */
  setPassword(name: string, password: string): void {
    const account = this.find(name);
    if (account === undefined) throw unknown(name);
    if (account.demo) {
      throw new EnvironmentError("demo-account", "Cannot change the demo account's password", {
        hint: "add an account of your own with `user add NAME`; it ends the demo",
      });
    }
    checkPassword(password);
    this.setRecord(name, registerLocally(this.setup, name, password));
  }

  /** Removes an account. Throws `name-unknown`. */
  remove(name: string): void {
    const { changes } = this.#write(() =>
      this.#database.prepare("DELETE FROM accounts WHERE name = ?").run(name)
    );
    if (changes === 0) throw unknown(name);
  }

  /** Makes the demo account if the table is empty. Costs a key stretching the first time. */
  ensureDemo(): void {
    if (this.list().length > 0) return;
    const record = registerLocally(this.setup, DEMO.name, DEMO.password);
    this.#write(() => {
      if (this.list().length === 0) this.#insert(DEMO.name, record, true);
    });
  }

  #insert(name: string, record: string, demo: boolean): void {
    this.#database
      .prepare("INSERT INTO accounts (name, record, demo, created_at) VALUES (?, ?, ?, ?)")
      .run(name, record, Number(demo), new Date().toISOString());
  }

  #write<T>(work: () => T): T {
    return this.#query(() => transaction(this.#database, work));
  }

  #query<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw databaseError(this.#path, error);
    }
  }
}

function toAccount({ name, demo, created_at }: Row): Account {
  return { name, demo: demo === 1, created_at };
}

function loadOrCreateSetup(database: DatabaseSync): string {
  const row = database.prepare("SELECT value FROM secrets WHERE name = 'opaque_setup'").get();
  if (row !== undefined) return String(row["value"]);
  const setup = createServerSetup();
  database.prepare("INSERT INTO secrets (name, value) VALUES ('opaque_setup', ?)").run(setup);
  return setup;
}

function checkName(name: string): void {
  if (isAccountName(name)) return;
  throw new CallerError("name-invalid", `Not a user name: ${JSON.stringify(name.slice(0, 40))}`, {
    hint:
      "use 1 to 32 letters (a-z), digits, dots, dashes and underscores, a letter or digit first",
  });
}

function checkPassword(password: string): void {
  if (password.length >= 1 && password.length <= MAX_PASSWORD_CHARS) return;
  throw new CallerError(
    "password-invalid",
    `Cannot use a password of ${password.length} characters`,
    { hint: `choose one of 1 to ${MAX_PASSWORD_CHARS}` },
  );
}

function unknown(name: string): EnvironmentError {
  return new EnvironmentError("name-unknown", `There is no account ${JSON.stringify(name)}`, {
    hint: "`user list` shows all accounts",
  });
}
