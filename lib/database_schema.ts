/**
 * The tables of the one SQLite file, as steps from one version of the schema to the next. Who owns
 * which: `lib/log/` the messages, `lib/rooms/` the rooms, `lib/auth/` all others.
 *
 * @module
 */

/**
 * One step a schema version, oldest first; a step is never changed once released. The `messages`
 * table has its own integer key so that `id` is global over all rooms and counts upwards for ever.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    room       TEXT    NOT NULL,
    seq        INTEGER NOT NULL,
    sender     TEXT    NOT NULL,
    sent_at    TEXT    NOT NULL,
    key_id     TEXT    NOT NULL,
    message_id TEXT    NOT NULL,
    token      TEXT    NOT NULL,
    chain      TEXT    NOT NULL,
    UNIQUE (room, seq),
    UNIQUE (room, sender, message_id)
  ) STRICT;
  CREATE TABLE accounts (
    name       TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
    record     TEXT NOT NULL,
    demo       INTEGER NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE accounts ADD COLUMN role TEXT NOT NULL DEFAULT 'member'
    CHECK (role IN ('member', 'operator'));
  -- Counted up to end all sessions of an account, whoever runs them.
  ALTER TABLE accounts ADD COLUMN session_epoch INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE invites (
    id         TEXT    NOT NULL PRIMARY KEY, -- a hash of the code, which is not kept
    record     TEXT    NOT NULL,             -- OPAQUE's, with the code as the password
    label      TEXT    NOT NULL,             -- for whom, as the operator noted it
    role       TEXT    NOT NULL CHECK (role IN ('member', 'operator')),
    room       TEXT    NOT NULL,
    uses       INTEGER NOT NULL,
    uses_left  INTEGER NOT NULL CHECK (uses_left BETWEEN 0 AND uses),
    created_at TEXT    NOT NULL,
    expires_at TEXT,
    revoked_at TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rooms (
    name         TEXT    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL CHECK (kind IN ('open')),
    topic        TEXT    NOT NULL,
    slow_seconds INTEGER NOT NULL,
    created_at   TEXT    NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO rooms VALUES ('lobby', 'open', '', 0, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));
  -- Bans and mutes that may hold; those whose time is over may still be there.
  CREATE TABLE sanctions (
    account TEXT NOT NULL COLLATE NOCASE,
    kind    TEXT NOT NULL CHECK (kind IN ('ban', 'mute')),
    until   TEXT,
    reason  TEXT NOT NULL,
    PRIMARY KEY (account, kind)
  ) STRICT, WITHOUT ROWID;
  -- What operators did: never changed, never removed.
  CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL,
    actor  TEXT NOT NULL, -- an account, or 'console' for the server's own commands
    action TEXT NOT NULL,
    target TEXT NOT NULL, -- an account, a room or an invite
    room   TEXT,
    until  TEXT,
    reason TEXT NOT NULL
  ) STRICT;
  `,
];
