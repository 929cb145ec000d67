-- Batches of uses that gateway nodes sent home: of each start of a node the number of the last that was taken, so that one
-- that is sent again counts once.
CREATE TABLE usage_batches (
    writer   TEXT    NOT NULL PRIMARY KEY,
    number   INTEGER NOT NULL,
    taken_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_batches_by_time ON usage_batches (taken_at);
