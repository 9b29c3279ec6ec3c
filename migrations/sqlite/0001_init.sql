-- +goose Up
-- Times are Unix microseconds in UTC (BIGINT): one text for both databases, and they sort.
-- Keys (…_key) are 64 bits cut from SHA-256 of kind, site and id: see dispatcher.Key.
-- All names carry the prefix hearback_, because a site may keep its own tables in the same database.

CREATE TABLE hearback_meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- One row. Whoever writes a position or a change holds its lock until commit, so that
-- position order is commit order.
CREATE TABLE hearback_head (
    id       INTEGER PRIMARY KEY,
    position BIGINT NOT NULL,
    change   BIGINT NOT NULL
);
INSERT INTO hearback_head (id, position, change) VALUES (1, 0, 0);

CREATE TABLE hearback_lease (
    name  TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    term  BIGINT NOT NULL,
    until BIGINT NOT NULL
);

-- One row per run of a daemon's outbox. Its id is the owner (and term) of claimed messages.
CREATE TABLE hearback_worker (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    host       TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    until      BIGINT NOT NULL
);

CREATE TABLE hearback_inbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    site        TEXT NOT NULL,
    payload     TEXT NOT NULL CHECK (length(CAST(payload AS BLOB)) <= 262144),
    door        TEXT NOT NULL DEFAULT 'sql',
    event_id    TEXT NOT NULL DEFAULT '',
    received_at BIGINT NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000000 AS INTEGER))
);

CREATE TABLE hearback_inbox_rejected (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    site        TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    payload     TEXT NOT NULL,
    door        TEXT NOT NULL,
    code        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    rejected_at BIGINT NOT NULL
);
CREATE INDEX hearback_inbox_rejected_site ON hearback_inbox_rejected (site, id);
CREATE INDEX hearback_inbox_rejected_at ON hearback_inbox_rejected (rejected_at);

-- Event ids remembered, so that a repeat is a duplicate.
CREATE TABLE hearback_event (
    site     TEXT NOT NULL,
    event_id TEXT NOT NULL,
    hash     TEXT NOT NULL,
    type     TEXT NOT NULL,
    note     TEXT NOT NULL,
    seen_at  BIGINT NOT NULL,
    PRIMARY KEY (site, event_id)
);
CREATE INDEX hearback_event_seen_at ON hearback_event (seen_at);

CREATE TABLE hearback_thread (
    id          INTEGER PRIMARY KEY,
    site        TEXT NOT NULL,
    external_id TEXT NOT NULL,
    url         TEXT NOT NULL,
    title       TEXT NOT NULL,
    told_at     BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    removed_at  BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    UNIQUE (site, external_id)
);
CREATE INDEX hearback_thread_changed ON hearback_thread (changed);

CREATE TABLE hearback_author (
    site        TEXT NOT NULL,
    external_id TEXT NOT NULL,
    name        TEXT NOT NULL,
    erased_at   BIGINT NOT NULL,
    PRIMARY KEY (site, external_id)
);

CREATE TABLE hearback_comment (
    id             INTEGER PRIMARY KEY,
    site           TEXT NOT NULL,
    external_id    TEXT NOT NULL,
    comment_key    BIGINT NOT NULL,
    thread         BIGINT NOT NULL,
    parent_id      TEXT NOT NULL,
    parent         BIGINT NOT NULL,
    author_id      TEXT NOT NULL,
    author_name    TEXT NOT NULL,
    author_key     BIGINT NOT NULL,
    address_key    BIGINT NOT NULL,
    html           TEXT NOT NULL,
    plain          BOOLEAN NOT NULL,
    url            TEXT NOT NULL,
    state          TEXT NOT NULL,
    state_time     BIGINT NOT NULL,
    content_time   BIGINT NOT NULL,
    written_at     BIGINT NOT NULL,
    published_at   BIGINT NOT NULL,
    arrived_at     BIGINT NOT NULL,
    edited_at      BIGINT NOT NULL,
    revision       BIGINT NOT NULL,
    changed        BIGINT NOT NULL,
    position       BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    settles_at     BIGINT,
    unmailed       TEXT NOT NULL,
    UNIQUE (site, external_id)
);
CREATE INDEX hearback_comment_settling ON hearback_comment (settles_at) WHERE settles_at IS NOT NULL;
CREATE INDEX hearback_comment_changed ON hearback_comment (changed);
CREATE INDEX hearback_comment_orphan ON hearback_comment (site, parent_id) WHERE parent = 0 AND parent_id <> '';
CREATE INDEX hearback_comment_thread ON hearback_comment (thread);
CREATE INDEX hearback_comment_author ON hearback_comment (author_key) WHERE author_key <> 0;

-- Settled publications in commit order. The path (ancestors, nearest first, 24 bytes each:
-- comment, author and address key) is frozen when the position is given.
CREATE TABLE hearback_log (
    position       BIGINT PRIMARY KEY,
    site           TEXT NOT NULL,
    comment        BIGINT NOT NULL,
    thread         BIGINT NOT NULL,
    thread_key     BIGINT NOT NULL,
    author_key     BIGINT NOT NULL,
    address_key    BIGINT NOT NULL,
    path           BLOB NOT NULL,
    visible_at     BIGINT NOT NULL,
    first_position BIGINT NOT NULL,
    settled_at     BIGINT NOT NULL
);

CREATE TABLE hearback_bucket (bucket INTEGER PRIMARY KEY);
INSERT INTO hearback_bucket WITH RECURSIVE n(b) AS (SELECT 0 UNION ALL SELECT b + 1 FROM n WHERE b < 255) SELECT b FROM n;

CREATE TABLE hearback_subscriber (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    site         TEXT NOT NULL,
    bucket       INTEGER NOT NULL,
    email        TEXT NOT NULL,
    address      TEXT NOT NULL,
    name         TEXT NOT NULL,
    locale       TEXT NOT NULL,
    zone         TEXT NOT NULL,
    schedule     TEXT NOT NULL,
    quiet        TEXT NOT NULL,
    paused_until BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    confirm_sent BIGINT NOT NULL,
    revision     BIGINT NOT NULL,
    generation   BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    ended_by     TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    UNIQUE (site, address)
);

CREATE TABLE hearback_subscriber_id (
    site        TEXT NOT NULL,
    external_id TEXT NOT NULL,
    subscriber  BIGINT NOT NULL,
    PRIMARY KEY (site, external_id)
);
CREATE INDEX hearback_subscriber_id_subscriber ON hearback_subscriber_id (subscriber);

-- Whose comments are a subscriber's own: one row per author id and one for the address.
CREATE TABLE hearback_identity (
    subscriber BIGINT NOT NULL,
    key        BIGINT NOT NULL,
    author_id  TEXT NOT NULL,
    PRIMARY KEY (subscriber, key)
);
CREATE INDEX hearback_identity_key ON hearback_identity (key);

CREATE TABLE hearback_subscription (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    site         TEXT NOT NULL,
    bucket       INTEGER NOT NULL,
    subscriber   BIGINT NOT NULL,
    target_type  TEXT NOT NULL,
    target_id    TEXT NOT NULL,
    depth        TEXT NOT NULL,
    target_key   BIGINT NOT NULL,
    schedule     TEXT NOT NULL,
    own_schedule BOOLEAN NOT NULL,
    zone         TEXT NOT NULL,
    since        BIGINT NOT NULL,
    asked_at     BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    ended_at     BIGINT NOT NULL,
    ended_by     TEXT NOT NULL,
    UNIQUE (subscriber, target_type, target_id)
);
CREATE INDEX hearback_subscription_chain ON hearback_subscription (schedule, zone, bucket, subscriber) WHERE ended_at = 0 AND confirmed_at > 0;
CREATE INDEX hearback_subscription_target ON hearback_subscription (target_key, schedule, bucket, subscriber) WHERE ended_at = 0 AND confirmed_at > 0;
CREATE INDEX hearback_subscription_pending ON hearback_subscription (asked_at) WHERE ended_at = 0 AND confirmed_at = 0;

CREATE TABLE hearback_mute (
    subscriber  BIGINT NOT NULL,
    target_key  BIGINT NOT NULL,
    target_type TEXT NOT NULL,
    target_id   TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (subscriber, target_key)
);

CREATE TABLE hearback_read (
    subscriber BIGINT NOT NULL,
    thread_key BIGINT NOT NULL,
    upto       BIGINT NOT NULL,
    PRIMARY KEY (subscriber, thread_key)
);

-- What a reader ended in one act, for undo.
CREATE TABLE hearback_end (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    subscriber    BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    scope         TEXT NOT NULL,
    subscriptions TEXT NOT NULL,
    undone_at     BIGINT NOT NULL
);
CREATE INDEX hearback_end_subscriber ON hearback_end (subscriber, at);

CREATE TABLE hearback_schedule (
    name       TEXT PRIMARY KEY,
    spec       TEXT NOT NULL,
    zone       TEXT NOT NULL,
    misfire    TEXT NOT NULL,
    catch_up   BIGINT NOT NULL,
    min_items  INTEGER NOT NULL,
    max_items  INTEGER NOT NULL,
    quiet      TEXT NOT NULL,
    paused     BOOLEAN NOT NULL,
    label      TEXT NOT NULL,
    from_file  BOOLEAN NOT NULL,
    updated_at BIGINT NOT NULL
);

-- The built-in schedule: its slots open as soon as settled events exist.
INSERT INTO hearback_schedule (name, spec, zone, misfire, catch_up, min_items, max_items, quiet, paused, label, from_file, updated_at)
VALUES ('immediate', '', 'site', 'merge', 604800000000, 0, 50, '', FALSE, '', FALSE, 0);

CREATE TABLE hearback_chain (
    schedule  TEXT NOT NULL,
    zone      TEXT NOT NULL,
    last_at   BIGINT NOT NULL,
    last_upto BIGINT NOT NULL,
    start_at  BIGINT NOT NULL,
    PRIMARY KEY (schedule, zone)
);

CREATE TABLE hearback_slot (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule          TEXT NOT NULL,
    zone              TEXT NOT NULL,
    at                BIGINT NOT NULL,
    start_at          BIGINT NOT NULL,
    from_position     BIGINT NOT NULL,
    upto_position     BIGINT NOT NULL,
    for_holds         BOOLEAN NOT NULL,
    opened_at         BIGINT NOT NULL,
    done_at           BIGINT NOT NULL,
    cursor_bucket     INTEGER NOT NULL,
    cursor_subscriber BIGINT NOT NULL,
    owner             TEXT NOT NULL,
    term              BIGINT NOT NULL,
    until             BIGINT NOT NULL,
    messages          BIGINT NOT NULL,
    readers           BIGINT NOT NULL,
    held              BIGINT NOT NULL,
    UNIQUE (schedule, zone, at, for_holds)
);
CREATE INDEX hearback_slot_open ON hearback_slot (schedule, zone, id) WHERE done_at = 0;

CREATE TABLE hearback_hold (
    subscriber    BIGINT NOT NULL,
    schedule      TEXT NOT NULL,
    thread        BIGINT NOT NULL,
    bucket        INTEGER NOT NULL,
    zone          TEXT NOT NULL,
    from_position BIGINT NOT NULL,
    not_before    BIGINT NOT NULL,
    wakes         BOOLEAN NOT NULL,
    reason        TEXT NOT NULL,
    since         BIGINT NOT NULL,
    PRIMARY KEY (subscriber, schedule, thread)
);
CREATE INDEX hearback_hold_due ON hearback_hold (not_before) WHERE wakes;
CREATE INDEX hearback_hold_chain ON hearback_hold (schedule, zone, bucket, subscriber);

CREATE TABLE hearback_message (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    site        TEXT NOT NULL,
    kind        TEXT NOT NULL,
    bucket      INTEGER NOT NULL,
    subscriber  BIGINT NOT NULL,
    address     TEXT NOT NULL,
    slot        BIGINT NOT NULL,
    schedule    TEXT NOT NULL,
    thread      BIGINT NOT NULL,
    items       TEXT NOT NULL,
    items_max   BIGINT NOT NULL,
    more        INTEGER NOT NULL,
    storm       BOOLEAN NOT NULL,
    since       BIGINT NOT NULL,
    revision    BIGINT NOT NULL,
    data        TEXT NOT NULL,
    state       TEXT NOT NULL,
    why         TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    due_at      BIGINT NOT NULL,
    attempts    INTEGER NOT NULL,
    resent      BOOLEAN NOT NULL,
    owner       BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    done_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX hearback_message_once ON hearback_message (slot, subscriber, thread) WHERE slot > 0;
CREATE INDEX hearback_message_due ON hearback_message (priority, due_at, id) WHERE state IN ('due', 'deferred');
CREATE INDEX hearback_message_owner ON hearback_message (owner) WHERE state = 'sending';
CREATE INDEX hearback_message_reader ON hearback_message (subscriber, items_max);

CREATE TABLE hearback_attempt (
    message          BIGINT NOT NULL,
    number           INTEGER NOT NULL,
    at               BIGINT NOT NULL,
    relay            TEXT NOT NULL,
    outcome          TEXT NOT NULL,
    code             INTEGER NOT NULL,
    enhanced         TEXT NOT NULL,
    text             TEXT NOT NULL,
    duration         BIGINT NOT NULL,
    template_version TEXT NOT NULL,
    content_hash     TEXT NOT NULL,
    PRIMARY KEY (message, number)
);

CREATE TABLE hearback_suppression (
    site    TEXT NOT NULL,
    address TEXT NOT NULL,
    reason  TEXT NOT NULL,
    detail  TEXT NOT NULL,
    message BIGINT NOT NULL,
    since   BIGINT NOT NULL,
    PRIMARY KEY (site, address)
);

CREATE TABLE hearback_switch (
    scope      TEXT PRIMARY KEY,
    mode       TEXT NOT NULL,
    redirect   TEXT NOT NULL,
    reason     TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE hearback_template (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    site         TEXT NOT NULL,
    kind         TEXT NOT NULL,
    locale       TEXT NOT NULL,
    number       INTEGER NOT NULL,
    subject      TEXT NOT NULL,
    text         TEXT NOT NULL,
    html         TEXT NOT NULL,
    state        TEXT NOT NULL,
    author       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    UNIQUE (site, kind, locale, number)
);

CREATE TABLE hearback_key (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,
    sites      TEXT NOT NULL,
    rights     TEXT NOT NULL,
    hash       TEXT NOT NULL UNIQUE,
    prefix     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);

CREATE TABLE hearback_idempotency (
    site       TEXT NOT NULL,
    key        TEXT NOT NULL,
    hash       TEXT NOT NULL,
    status     INTEGER NOT NULL,
    response   TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (site, key)
);
CREATE INDEX hearback_idempotency_created ON hearback_idempotency (created_at);

-- One row per source: how far it was read, what an admin wants of it, who polls it.
CREATE TABLE hearback_source (
    name         TEXT PRIMARY KEY,
    cursor       BLOB,
    baseline     BOOLEAN NOT NULL,
    attached_at  BIGINT NOT NULL,
    next_poll    BIGINT NOT NULL,
    distance     BIGINT NOT NULL,
    last_poll    BIGINT NOT NULL,
    last_ok      BIGINT NOT NULL,
    errors       INTEGER NOT NULL,
    last_error   TEXT NOT NULL,
    warning      TEXT NOT NULL,
    rate         DOUBLE PRECISION NOT NULL,
    admitted     BIGINT NOT NULL,
    paused       BOOLEAN NOT NULL,
    pause_reason TEXT NOT NULL,
    paused_at    BIGINT NOT NULL,
    admit        TEXT NOT NULL,
    admit_at     BIGINT NOT NULL,
    poll_asked   BIGINT NOT NULL,
    holder       TEXT NOT NULL,
    term         BIGINT NOT NULL,
    until        BIGINT NOT NULL
);

-- What was last seen of each comment. Ids compare as bytes.
CREATE TABLE hearback_source_seen (
    source     TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    thread_id  TEXT NOT NULL,
    parent_id  TEXT NOT NULL,
    state      TEXT NOT NULL,
    hash       TEXT NOT NULL,
    change     BIGINT NOT NULL,
    told_at    BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    PRIMARY KEY (source, comment_id)
);
CREATE INDEX hearback_source_seen_checked ON hearback_source_seen (checked_at);

CREATE TABLE hearback_notice (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    topic      TEXT NOT NULL UNIQUE,
    text       TEXT NOT NULL,
    mend       TEXT NOT NULL,
    count      BIGINT NOT NULL,
    raised_at  BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    cleared_at BIGINT NOT NULL,
    mailed_at  BIGINT NOT NULL
);

-- Mails that the built-in mailbox took, the newest of them. Addressees are in lower case, for searching.
CREATE TABLE hearback_caught (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at   BIGINT NOT NULL,
    envelope_from TEXT NOT NULL,
    envelope_to   TEXT NOT NULL,
    from_name     TEXT NOT NULL,
    to_address    TEXT NOT NULL,
    addressees    TEXT NOT NULL,
    subject       TEXT NOT NULL,
    kind          TEXT NOT NULL,
    reason        TEXT NOT NULL,
    thread        TEXT NOT NULL,
    snippet       TEXT NOT NULL,
    size          BIGINT NOT NULL,
    raw           BLOB NOT NULL
);

-- +goose Down
DROP TABLE hearback_caught;
DROP TABLE hearback_notice;
DROP TABLE hearback_source_seen;
DROP TABLE hearback_source;
DROP TABLE hearback_idempotency;
DROP TABLE hearback_key;
DROP TABLE hearback_template;
DROP TABLE hearback_switch;
DROP TABLE hearback_suppression;
DROP TABLE hearback_attempt;
DROP TABLE hearback_message;
DROP TABLE hearback_hold;
DROP TABLE hearback_slot;
DROP TABLE hearback_chain;
DROP TABLE hearback_schedule;
DROP TABLE hearback_end;
DROP TABLE hearback_read;
DROP TABLE hearback_mute;
DROP TABLE hearback_subscription;
DROP TABLE hearback_identity;
DROP TABLE hearback_subscriber_id;
DROP TABLE hearback_subscriber;
DROP TABLE hearback_bucket;
DROP TABLE hearback_log;
DROP TABLE hearback_comment;
DROP TABLE hearback_author;
DROP TABLE hearback_thread;
DROP TABLE hearback_event;
DROP TABLE hearback_inbox_rejected;
DROP TABLE hearback_inbox;
DROP TABLE hearback_worker;
DROP TABLE hearback_lease;
DROP TABLE hearback_head;
DROP TABLE hearback_meta;
