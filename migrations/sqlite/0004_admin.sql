-- +goose Up
-- The admin desk: who may sign in, who is signed in, what was changed by whom, and what happened when.

CREATE TABLE hearback_admin (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL,
    password    TEXT NOT NULL,
    zone        TEXT NOT NULL,
    disabled_at BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL
);

-- Sessions and links are known by the hash of their secret alone.
CREATE TABLE hearback_session (
    hash       TEXT PRIMARY KEY,
    admin      BIGINT NOT NULL,
    by_link    BOOLEAN NOT NULL,
    agent      TEXT NOT NULL,
    flash      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
CREATE INDEX hearback_session_admin ON hearback_session (admin);

-- A link signs in once. One for admin 0 makes the first admin.
CREATE TABLE hearback_admin_link (
    hash    TEXT PRIMARY KEY,
    admin   BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    until   BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);

CREATE TABLE hearback_audit (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    at           BIGINT NOT NULL,
    who          TEXT NOT NULL,
    what         TEXT NOT NULL,
    subject      TEXT NOT NULL,
    before_value TEXT NOT NULL,
    after_value  TEXT NOT NULL
);

-- What the daemons did in each minute, all of them together. The overview reads these few rows
-- in place of a million messages.
CREATE TABLE hearback_tally (
    at         INTEGER PRIMARY KEY,
    events     BIGINT NOT NULL,
    rejected   BIGINT NOT NULL,
    settled    BIGINT NOT NULL,
    made       BIGINT NOT NULL,
    held       BIGINT NOT NULL,
    sent       BIGINT NOT NULL,
    deferred   BIGINT NOT NULL,
    failed     BIGINT NOT NULL,
    unknown    BIGINT NOT NULL,
    cancelled  BIGINT NOT NULL,
    suppressed BIGINT NOT NULL,
    -- immediate mails by the time from the comment to the relay's word: up to 1 min, 3 min, 15 min, 1 h, longer
    lag1       BIGINT NOT NULL,
    lag2       BIGINT NOT NULL,
    lag3       BIGINT NOT NULL,
    lag4       BIGINT NOT NULL,
    lag5       BIGINT NOT NULL
);

-- +goose Down
DROP TABLE hearback_tally;
DROP TABLE hearback_audit;
DROP TABLE hearback_admin_link;
DROP TABLE hearback_session;
DROP TABLE hearback_admin;
