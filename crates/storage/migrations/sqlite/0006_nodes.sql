-- Batches of uses that gateway nodes sent home: of each start of a node the number of the last that was taken, so that one
-- that is sent again counts once.
CREATE TABLE usage_batches (
    writer   TEXT    NOT NULL PRIMARY KEY,
    number   INTEGER NOT NULL,
    taken_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_batches_by_time ON usage_batches (taken_at);

-- Servers on this store, and how often each has said that it lives.
CREATE TABLE servers (
    id   TEXT    NOT NULL PRIMARY KEY,
    beat INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The nodes that each answers, itself among them, and the last change that each has applied: receipts of all servers count
-- them.
CREATE TABLE nodes (
    server  TEXT    NOT NULL,
    start   TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    applied INTEGER NOT NULL,
    PRIMARY KEY (server, start)
) STRICT, WITHOUT ROWID;
