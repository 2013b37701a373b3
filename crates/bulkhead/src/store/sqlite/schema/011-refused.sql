-- What the newest rejudge refuses of what was let in before. `closed` says that the run that found it has ended: the end of
-- the next one removes what that one did not find again.
CREATE TABLE refused (
    artifact INTEGER NOT NULL,
    rule     TEXT NOT NULL,
    text     TEXT NOT NULL,
    entry    INTEGER NOT NULL,
    closed   INTEGER NOT NULL,
    PRIMARY KEY (artifact, rule)
) STRICT, WITHOUT ROWID;
