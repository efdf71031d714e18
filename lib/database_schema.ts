/**
 * The tables of the one SQLite file, as steps from one version of the schema to the next. Who owns
 * which: `lib/log/` the messages, `lib/rooms/` the rooms, `lib/delivery/` what sealed rooms need,
 * `lib/auth/` all others.
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
  `
  CREATE TABLE all_rooms (
    name         TEXT    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL CHECK (kind IN ('open', 'sealed')),
    topic        TEXT    NOT NULL,
    slow_seconds INTEGER NOT NULL,
    created_at   TEXT    NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO all_rooms SELECT name, kind, topic, slow_seconds, created_at FROM rooms;
  DROP TABLE rooms;
  ALTER TABLE all_rooms RENAME TO rooms;
  -- What a server can know of a sealed room: never a key, never a text.
  CREATE TABLE sealed_rooms (
    room   TEXT    NOT NULL PRIMARY KEY,
    epoch  INTEGER NOT NULL,              -- of the MLS group: its commits are counted by it
    key_id TEXT    NOT NULL,              -- of the epoch's Fernet key
    peers  TEXT    UNIQUE,                -- of a direct room: both names, folded and in order
    last_admin TEXT COLLATE NOCASE        -- who left it without an admin, and is it again if let in
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sealed_members (
    room    TEXT    NOT NULL,
    account TEXT    NOT NULL COLLATE NOCASE,
    since   INTEGER NOT NULL,             -- the entry behind which its history begins
    maker   INTEGER NOT NULL,             -- whether the room is this account's, and counts for it
    admin   INTEGER NOT NULL,             -- whether it may remove others
    PRIMARY KEY (room, account)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sealed_members_by_account ON sealed_members (account);
  CREATE TABLE commits (
    room  TEXT    NOT NULL,
    seq   INTEGER NOT NULL,               -- its entry in the log
    epoch INTEGER NOT NULL,               -- which it ends
    data  BLOB    NOT NULL,
    PRIMARY KEY (room, seq),
    UNIQUE (room, epoch)
  ) STRICT;
  CREATE TABLE welcomes (
    room TEXT    NOT NULL,
    seq  INTEGER NOT NULL,
    data BLOB    NOT NULL,
    PRIMARY KEY (room, seq)
  ) STRICT;
  -- Who has not taken up a welcome yet.
  CREATE TABLE welcomed (
    account TEXT    NOT NULL COLLATE NOCASE,
    device  INTEGER NOT NULL,
    room    TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (account, device, room)
  ) STRICT, WITHOUT ROWID;
  -- The vault: what accounts keep here under keys that the server never has.
  CREATE TABLE blobs (
    account TEXT    NOT NULL COLLATE NOCASE,
    name    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    data    BLOB    NOT NULL,
    PRIMARY KEY (account, name)
  ) STRICT;
  CREATE TABLE devices (
    account TEXT    NOT NULL COLLATE NOCASE,
    device  INTEGER NOT NULL,
    lease   INTEGER NOT NULL,             -- counts up: who writes with an older one has lost it
    PRIMARY KEY (account, device)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE key_packages (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT    NOT NULL COLLATE NOCASE,
    device  INTEGER NOT NULL,
    data    BLOB    NOT NULL
  ) STRICT;
  CREATE INDEX key_packages_by_device ON key_packages (account, device);
  -- Whoever has the name next is somebody else.
  CREATE TRIGGER account_removed AFTER DELETE ON accounts BEGIN
    DELETE FROM sealed_members WHERE account = old.name;
    UPDATE sealed_rooms SET last_admin = NULL WHERE last_admin = old.name;
    DELETE FROM welcomed WHERE account = old.name;
    DELETE FROM welcomes WHERE NOT EXISTS (
      SELECT 1 FROM welcomed WHERE welcomed.room = welcomes.room AND welcomed.seq = welcomes.seq
    );
    DELETE FROM blobs WHERE account = old.name;
    DELETE FROM devices WHERE account = old.name;
    DELETE FROM key_packages WHERE account = old.name;
  END;
  `,
];
