-- Times are microseconds since 1970 (UTC); digests are 32-byte blobs. Files in this folder are numbered, only ever added.

-- Projections: every row can be made again from the ledger (`bulkhead ledger rebuild`).

CREATE TABLE projection (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    through INTEGER NOT NULL                    -- index of the last projected entry
) STRICT;

CREATE TABLE entry (
    idx       INTEGER PRIMARY KEY,
    ecosystem TEXT,
    project   TEXT,
    version   TEXT,
    digest    BLOB,
    run       TEXT,
    body      BLOB NOT NULL                     -- the entry in its canonical bytes
) STRICT;
CREATE INDEX entry_release ON entry (ecosystem, project, version, idx) WHERE project IS NOT NULL;
CREATE INDEX entry_project ON entry (ecosystem, project, idx) WHERE project IS NOT NULL;
CREATE INDEX entry_digest ON entry (digest, idx) WHERE digest IS NOT NULL;
CREATE INDEX entry_run ON entry (run, idx) WHERE run IS NOT NULL;

CREATE TABLE served (
    ecosystem   TEXT NOT NULL,
    project     TEXT NOT NULL,
    version     TEXT NOT NULL,
    uploaded    INTEGER,
    last_served INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    PRIMARY KEY (ecosystem, project, version)
) STRICT, WITHOUT ROWID;

-- A row stays when the item passes (open = 0), so that the next refusal starts a new count in place.
CREATE TABLE held (
    id          INTEGER PRIMARY KEY,
    ecosystem   TEXT NOT NULL,
    project     TEXT NOT NULL,
    version     TEXT NOT NULL,                  -- '' for the whole project
    file        TEXT NOT NULL,                  -- '' for no file
    rule        TEXT NOT NULL,
    open        INTEGER NOT NULL,
    effect      TEXT NOT NULL,
    text        TEXT NOT NULL,
    digest      BLOB,
    uploaded    INTEGER,
    count       INTEGER NOT NULL,
    first_asked INTEGER NOT NULL,
    last_asked  INTEGER NOT NULL,
    last_entry  INTEGER NOT NULL,
    UNIQUE (ecosystem, project, version, file, rule)
) STRICT;
CREATE INDEX held_open ON held (first_asked) WHERE open = 1;

CREATE TABLE held_principal (
    held      INTEGER NOT NULL,
    principal TEXT NOT NULL,
    PRIMARY KEY (held, principal)
) STRICT, WITHOUT ROWID;

CREATE TABLE decision (
    entry     INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    released  INTEGER NOT NULL,
    ecosystem TEXT NOT NULL,
    project   TEXT NOT NULL,
    version   TEXT,
    file      TEXT,
    rule      TEXT,
    owner     TEXT NOT NULL,
    reason    TEXT NOT NULL,
    expires   INTEGER
) STRICT;
CREATE INDEX decision_project ON decision (ecosystem, project, entry);

-- Kept: no entry can give these back.

CREATE TABLE report (
    digest    BLOB NOT NULL,
    ruleset   TEXT NOT NULL,
    judged_at INTEGER NOT NULL,
    readable  INTEGER NOT NULL,
    findings  TEXT NOT NULL,                    -- JSON list, '' for none
    packed    INTEGER NOT NULL,                 -- whether `json` is gzip
    json      BLOB NOT NULL,
    UNIQUE (digest, ruleset)
) STRICT;

CREATE TABLE first_seen (
    ecosystem TEXT NOT NULL,
    project   TEXT NOT NULL,
    file      TEXT NOT NULL,
    digest    BLOB NOT NULL,                    -- x'' when the index promises none
    at        INTEGER NOT NULL,
    PRIMARY KEY (ecosystem, project, file, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE page (
    id           INTEGER PRIMARY KEY,
    ecosystem    TEXT NOT NULL,
    project      TEXT NOT NULL,
    fetched_at   INTEGER NOT NULL,
    etag         TEXT,
    content_type TEXT NOT NULL,
    final_url    TEXT NOT NULL,
    body         BLOB NOT NULL,                 -- gzip
    UNIQUE (ecosystem, project)
) STRICT;

CREATE TABLE withheld (
    principal TEXT NOT NULL,
    client    TEXT NOT NULL,
    ecosystem TEXT NOT NULL,
    project   TEXT NOT NULL,
    digest    BLOB NOT NULL,
    PRIMARY KEY (principal, client, ecosystem, project)
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    digest    BLOB PRIMARY KEY,
    principal TEXT NOT NULL,
    created   INTEGER NOT NULL,
    expires   INTEGER,
    revoked   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Feeds come in by small transactions, invisible (active = 0) until the last one flips them in the place of the old.

CREATE TABLE feed (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    active      INTEGER NOT NULL,
    digest      BLOB,
    records     INTEGER NOT NULL DEFAULT 0,
    withdrawn   INTEGER NOT NULL DEFAULT 0,
    elsewhere   INTEGER NOT NULL DEFAULT 0,
    invalid     INTEGER NOT NULL DEFAULT 0,
    newest      INTEGER,
    imported_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX feed_name ON feed (name) WHERE active = 1;

CREATE TABLE advisory (
    id        INTEGER PRIMARY KEY,
    feed      INTEGER NOT NULL,
    osv       TEXT NOT NULL,
    malicious INTEGER NOT NULL,
    modified  INTEGER NOT NULL,
    summary   TEXT NOT NULL,
    aliases   TEXT NOT NULL                     -- JSON list, '' for none
) STRICT;
CREATE INDEX advisory_feed ON advisory (feed);

CREATE TABLE affected (
    ecosystem TEXT NOT NULL,
    name      TEXT NOT NULL,
    advisory  INTEGER NOT NULL,
    nth       INTEGER NOT NULL,
    versions  TEXT NOT NULL,                    -- JSON list, '' for none
    ranges    TEXT NOT NULL,                    -- JSON list, '' for none
    PRIMARY KEY (ecosystem, name, advisory, nth)
) STRICT, WITHOUT ROWID;
CREATE INDEX affected_advisory ON affected (advisory);

CREATE TABLE advisory_file (
    digest   BLOB NOT NULL,
    advisory INTEGER NOT NULL,
    PRIMARY KEY (digest, advisory)
) STRICT, WITHOUT ROWID;
CREATE INDEX advisory_file_advisory ON advisory_file (advisory);
