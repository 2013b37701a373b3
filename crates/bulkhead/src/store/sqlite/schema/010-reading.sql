-- What was read of which release, and how it differs from the one before. Kept: no entry can give these back.

ALTER TABLE report ADD COLUMN behaviours TEXT NOT NULL DEFAULT '';     -- JSON list, '' for none

CREATE TABLE reading (
    ecosystem TEXT NOT NULL,
    project   TEXT NOT NULL,
    version   TEXT NOT NULL,
    file      TEXT NOT NULL,
    digest    BLOB NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (ecosystem, project, file, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE delta (
    digest  BLOB NOT NULL,
    ruleset TEXT NOT NULL,
    before  BLOB NOT NULL,                      -- the file that it was compared with
    json    TEXT NOT NULL,
    PRIMARY KEY (digest, ruleset)
) STRICT, WITHOUT ROWID;
