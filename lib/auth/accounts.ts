/**
 * Accounts: names with their OPAQUE records, in the server's database. Other processes may change
 * them at any time, so nothing is kept in memory but the server's own secrets.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { InferOutput } from "valibot";
import { DatabaseAccess } from "../database_access.ts";
import { EnvironmentError } from "../errors.ts";
import { quoteText } from "../json_line.ts";
import type { role } from "../protocol/fields.ts";
import { checkDistinct, checkName } from "./names.ts";
import { createDecoyRecord, createServerSetup, opaqueReady, registerLocally } from "./opaque.ts";
import { checkPassword } from "./passwords.ts";

/** The demo account: public, so it works only on loopback and while there is no other account. */
export const DEMO = { name: "user1", password: "pass1" } as const;

/** What an account may do: an operator rules over the open rooms and those in them. */
export type Role = InferOutput<typeof role>;

const PUBLIC_COLUMNS = "name, demo, created_at, role, session_epoch";
const COLUMNS = `${PUBLIC_COLUMNS}, record`;

/**
 * A row in either case: a look that finds nothing would be some microseconds quicker, and tell.
 * An account's name is never empty.
 */
const FIND_OR_DECOY = `
  SELECT ${COLUMNS} FROM accounts WHERE name = ?
  UNION ALL SELECT '', 0, '', 'member', 0, ? LIMIT 1`;

/** An account, without its secrets. */
export interface Account {
  name: string;
  demo: boolean;
  /** ISO 8601, UTC. */
  created_at: string;
  role: Role;
  /**
   * Sessions that began with another number are over. It also differs between an account and an
   * earlier one of the same name.
   */
  sessionEpoch: number;
}

interface Row {
  name: string;
  record: string;
  demo: number;
  created_at: string;
  role: Role;
  session_epoch: number;
}

/** The accounts of one database. Each method throws an `EnvironmentError` if that fails. */
export class Accounts {
  readonly #access: DatabaseAccess;
  /** OPAQUE's long-term secrets of this server. Without them, no record can be used. */
  readonly setup: string;
  /** What logins to no account are answered from. It need not outlive the process: nobody sees it. */
  readonly decoy: string = createDecoyRecord();

  private constructor(access: DatabaseAccess, setup: string) {
    this.#access = access;
    this.setup = setup;
  }

  /** Opens the accounts of a database; makes the server's secrets the first time. */
  static async open(database: DatabaseSync, path: string): Promise<Accounts> {
    await opaqueReady;
    const access = new DatabaseAccess(database, path);
    return new Accounts(access, access.transaction(() => loadOrCreateSetup(access)));
  }

  /** The account and its OPAQUE record, if there is one of that name in any case of letters. */
  find(name: string): (Account & { record: string }) | undefined {
    const row = this.#access.get<Row>(`SELECT ${COLUMNS} FROM accounts WHERE name = ?`, name);
    return row && { ...toAccount(row), record: row.record };
  }

  /** The same without the record. Throws `name-unknown`. */
  get(name: string): Account {
    const row = this.#access.get<Row>(`SELECT ${COLUMNS} FROM accounts WHERE name = ?`, name);
    if (row === undefined) throw unknown(name);
    return toAccount(row);
  }

  /**
   * The same for somebody who wants to log in, with the decoy's record if there is no such account:
   * how long it takes does not tell.
   */
  findForLogin(name: string): { account: Account | undefined; record: string } {
    const row = this.#access.get<Row>(FIND_OR_DECOY, name, this.decoy) as Row;
    return { account: row.name === "" ? undefined : toAccount(row), record: row.record };
  }

  /** All accounts by name. */
  list(): Account[] {
    return this.#access.all<Row>(`SELECT ${PUBLIC_COLUMNS} FROM accounts ORDER BY name`)
      .map(toAccount);
  }

  /** The names of all operators. */
  operators(): Set<string> {
    const rows = this.#access.all<Row>("SELECT name FROM accounts WHERE role = 'operator'");
    return new Set(rows.map(({ name }) => name));
  }

  /** Whether there is an account of someone's own, which ends the demo. */
  hasOwn(): boolean {
    return this.#ownNames().length > 0;
  }

  /**
   * Passes if an account of that name could be made now.
   *
   * @throws {CallerError} `name-invalid`, `name-reserved`.
   * @throws {EnvironmentError} `name-taken`, `name-similar`.
   */
  checkNew(name: string): void {
    checkName(name);
    checkDistinct(name, this.#ownNames());
  }

  /**
   * Adds an account, and removes the demo account.
   *
   * @param also what has to happen with it or not at all; if it throws, nothing happens.
   * @throws as {@linkcode checkNew} and `also`; {CallerError} `password-invalid`.
   */
  add(name: string, password: string, role: Role = "member", also: () => void = () => {}): void {
    this.checkNew(name); // before the key stretching
    const record = this.#makeRecord(name, password);
    this.#access.transaction(() => {
      this.create(name, record, role);
      also();
    });
  }

  /**
   * Adds an account with a record that was made elsewhere, and removes the demo account. Of several
   * who want one name at the same moment, one gets it. Throws as {@linkcode checkNew}.
   */
  create(name: string, record: string, role: Role): void {
    this.#access.transaction(() => {
      this.checkNew(name);
      this.#access.change("DELETE FROM accounts WHERE demo = 1");
      this.#insert(name, record, { demo: false, role });
    });
  }

  /** Stores a new record for an account: a new password. Throws `name-unknown`. */
  setRecord(name: string, record: string): void {
    this.#update("record = ?", record, name);
  }

  /**
   * The same for whoever logged in to the account as it was then.
   *
   * @param also as of {@linkcode add}.
   * @returns whether it was stored: not if the account's sessions were ended meanwhile, or its name
   * is another account's.
   */
  changeRecord(
    { name, sessionEpoch }: Account,
    record: string,
    also: () => void = () => {},
  ): boolean {
    const sql = "UPDATE accounts SET record = ? WHERE name = ? AND session_epoch = ?";
    return this.#access.transaction(() => {
      const isChanged = this.#access.change(sql, record, name, sessionEpoch) > 0;
      if (isChanged) also();
      return isChanged;
    });
  }

  /**
   * Gives an account a new password and ends its sessions.
   *
   * @param also as of {@linkcode add}.
   * @throws {CallerError} `password-invalid`.
   * @throws {EnvironmentError} `name-unknown`, `demo-account`.
   */
  setPassword(name: string, password: string, also: () => void = () => {}): void {
    if (this.get(name).demo) throw demoAccount("Cannot change the demo account's password");
    const record = this.#makeRecord(name, password);
    this.#access.transaction(() => {
      this.setRecord(name, record);
      this.endSessions(name);
      also();
    });
  }

  /** Throws `name-unknown`, and `demo-account`: everyone knows its password. */
  setRole(name: string, role: Role): void {
    if (this.get(name).demo) throw demoAccount("Cannot change the demo account's role");
    this.#update("role = ?", role, name);
  }

  /** Ends all sessions of an account, whoever runs them. Throws `name-unknown`. */
  endSessions(name: string): void {
    this.#update("session_epoch = session_epoch + ?", 1, name);
  }

  /** Removes an account. Throws `name-unknown`. */
  remove(name: string): void {
    if (this.#access.change("DELETE FROM accounts WHERE name = ?", name) === 0) throw unknown(name);
  }

  /** Makes the demo account if the table is empty. Costs a key stretching the first time. */
  ensureDemo(): void {
    if (this.list().length > 0) return;
    const record = registerLocally(this.setup, DEMO.name, DEMO.password);
    this.#access.transaction(() => {
      if (this.list().length > 0) return;
      this.#insert(DEMO.name, record, { demo: true, role: "member" });
    });
  }

  /** Costs the key stretching, which no transaction waits for: others could not write meanwhile. */
  #makeRecord(name: string, password: string): string {
    checkPassword(password);
    return registerLocally(this.setup, name, password);
  }

  #ownNames(): string[] {
    return this.#access.all<Row>("SELECT name FROM accounts WHERE demo = 0")
      .map(({ name }) => name);
  }

  #insert(name: string, record: string, { demo, role }: { demo: boolean; role: Role }): void {
    const now = new Date();
    // What an earlier account of that name was banned for is not this one's doing.
    this.#access.change("DELETE FROM sanctions WHERE account = ?", name);
    this.#access.change(
      `INSERT INTO accounts (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)`,
      ...[name, Number(demo), now.toISOString(), role],
      now.getTime(), // no earlier account of that name got so far
      record,
    );
  }

  #update(assignment: string, value: string | number, name: string): void {
    const sql = `UPDATE accounts SET ${assignment} WHERE name = ?`;
    if (this.#access.change(sql, value, name) === 0) throw unknown(name);
  }
}

function toAccount({ name, demo, created_at, role, session_epoch }: Row): Account {
  return { name, demo: demo === 1, created_at, role, sessionEpoch: session_epoch };
}

function loadOrCreateSetup(access: DatabaseAccess): string {
  const row = access.get<{ value: string }>(
    "SELECT value FROM secrets WHERE name = 'opaque_setup'",
  );
  if (row !== undefined) return row.value;
  const setup = createServerSetup();
  access.change("INSERT INTO secrets (name, value) VALUES ('opaque_setup', ?)", setup);
  return setup;
}

function unknown(name: string): EnvironmentError {
  return new EnvironmentError("name-unknown", `There is no account ${quoteText(name)}`, {
    hint: "`user list` shows all accounts",
  });
}

function demoAccount(message: string): EnvironmentError {
  return new EnvironmentError("demo-account", message, {
    hint: "add an account of your own with `user add NAME`; it ends the demo",
  });
}
