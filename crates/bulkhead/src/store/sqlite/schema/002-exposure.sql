-- What exposure walks: things by name, what contains what, who pulled what, what was where and when, what ran with what.
-- All of it is projected from entries. Times are microseconds since 1970 (UTC).

CREATE TABLE thing (
    id   INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,                      -- store::graph::Kind
    name BLOB NOT NULL,                         -- 32 bytes for a file, else UTF-8
    UNIQUE (kind, name)
) STRICT;

-- A file that is inside another: in an archive that was judged, or in an installed distribution.
CREATE TABLE member (
    inside INTEGER NOT NULL,
    outer  INTEGER NOT NULL,
    path   TEXT NOT NULL,
    entry  INTEGER NOT NULL,
    PRIMARY KEY (inside, outer, path)
) STRICT, WITHOUT ROWID;

-- Files whose contents are recorded whole.
CREATE TABLE contents (
    outer INTEGER PRIMARY KEY,
    entry INTEGER NOT NULL
) STRICT;

-- Files that were received and whose contents are not recorded: a gap for questions about files inside files.
CREATE TABLE unindexed (
    artifact INTEGER PRIMARY KEY,
    entry    INTEGER NOT NULL
) STRICT;

-- When src is tainted, dst is: a file of a release (of), what a build made of it (embeds).
CREATE TABLE link (
    src   INTEGER NOT NULL,
    how   TEXT NOT NULL,
    dst   INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (src, how, dst)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_back ON link (dst, how, src, entry);

CREATE TABLE pull (
    artifact  INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    entry     INTEGER NOT NULL,
    principal INTEGER NOT NULL,
    address   TEXT,
    PRIMARY KEY (artifact, at, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX pull_principal ON pull (principal, at, artifact, entry);

-- One place on a host that is scanned as a whole: a Python environment, a node_modules, an image.
CREATE TABLE environment (
    id        INTEGER PRIMARY KEY,
    host      INTEGER NOT NULL,
    name      TEXT NOT NULL,
    principal INTEGER NOT NULL,
    digest    BLOB NOT NULL,                    -- of the last whole scan
    first     INTEGER NOT NULL,
    last      INTEGER NOT NULL,
    entry     INTEGER NOT NULL,                 -- of the last scan
    scan      INTEGER NOT NULL,                 -- entry of the first part of the scan under way or last
    UNIQUE (host, name)
) STRICT;

-- While gone is absent, the last scan of the environment still saw it.
CREATE TABLE presence (
    artifact    INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    first       INTEGER NOT NULL,
    since       INTEGER,                        -- the scan before, which did not see it
    gone        INTEGER,
    entry       INTEGER NOT NULL,
    gone_entry  INTEGER,
    seen        INTEGER NOT NULL,               -- entry of the first part of the scan that saw it last
    PRIMARY KEY (artifact, environment, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX presence_environment ON presence (environment, gone, artifact, first);

CREATE TABLE build (
    output    INTEGER PRIMARY KEY,
    name      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    host      INTEGER,
    principal INTEGER NOT NULL,
    entry     INTEGER NOT NULL
) STRICT;

CREATE TABLE run (
    id          INTEGER PRIMARY KEY,
    host        INTEGER NOT NULL,
    principal   INTEGER NOT NULL,
    environment INTEGER,
    began       INTEGER NOT NULL,
    ended       INTEGER,
    entry       INTEGER NOT NULL,
    last_entry  INTEGER NOT NULL
) STRICT;
CREATE INDEX run_host ON run (host, began, ended, id);
CREATE INDEX run_open ON run (host, began, id) WHERE ended IS NULL;
CREATE INDEX run_environment ON run (environment, began, id) WHERE environment IS NOT NULL;
CREATE INDEX run_principal ON run (principal, began, id);

-- How long the longest ended run of a host was: without it, what overlaps a window is found only by reading every
-- run that began before it.
CREATE TABLE run_longest (
    host   INTEGER PRIMARY KEY,
    length INTEGER NOT NULL
) STRICT;

-- What a run was given or reached: secret, dataset, contact.
CREATE TABLE run_use (
    run   INTEGER NOT NULL,
    thing INTEGER NOT NULL,
    began INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (run, thing)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_use_thing ON run_use (thing, began, run, entry);

-- Who speaks for which host.
CREATE TABLE speaks_for (
    principal INTEGER NOT NULL,
    host      INTEGER NOT NULL,
    entry     INTEGER NOT NULL,
    PRIMARY KEY (principal, host)
) STRICT, WITHOUT ROWID;

-- What people declare. A new declaration takes the place of the one before.
CREATE TABLE asset (
    thing      INTEGER PRIMARY KEY,
    kind       INTEGER NOT NULL,
    owner      TEXT,
    people     INTEGER,
    records    INTEGER,
    categories TEXT NOT NULL,
    entry      INTEGER NOT NULL
) STRICT;
CREATE INDEX asset_kind ON asset (kind, thing);

CREATE TABLE relation (
    src   INTEGER NOT NULL,
    how   TEXT NOT NULL,                        -- opens, on, shared-with, granted
    dst   INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (src, how, dst)
) STRICT, WITHOUT ROWID;
CREATE INDEX relation_back ON relation (dst, how, src, entry);

-- Entries whose record this program could not read: a gap in every answer.
CREATE TABLE unread (
    entry INTEGER PRIMARY KEY,
    why   TEXT NOT NULL
) STRICT;

CREATE TABLE alarm (
    artifact INTEGER NOT NULL,
    advisory TEXT NOT NULL,
    entry    INTEGER NOT NULL,
    PRIMARY KEY (artifact, advisory)
) STRICT, WITHOUT ROWID;

-- What the gates decided, by day: for the console's charts.
CREATE TABLE daily (
    day   INTEGER NOT NULL,                     -- days since 1970
    what  TEXT NOT NULL,                        -- in, held, refused
    count INTEGER NOT NULL,
    PRIMARY KEY (day, what)
) STRICT, WITHOUT ROWID;

ALTER TABLE token ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;

-- What older entries say goes into the new tables too: everything is projected anew at the next start.
DELETE FROM projection;
DELETE FROM entry;
DELETE FROM served;
DELETE FROM held;
DELETE FROM held_principal;
DELETE FROM decision;
