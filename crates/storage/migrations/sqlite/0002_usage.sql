-- The usage log. Its rows are many and narrow in what they refer to: no foreign keys, since keys are never deleted. n is
-- the order in which they were written.
CREATE TABLE usage_entries (
    n            INTEGER PRIMARY KEY,
    key_id       BLOB    NOT NULL CHECK (length(key_id) = 16),
    at           INTEGER NOT NULL,
    code         TEXT    NOT NULL,
    secret       TEXT    NOT NULL CHECK (secret IN ('current', 'previous')),
    -- Where it was asked about, as far as it is known.
    workspace_id BLOB,
    ip           TEXT,
    user_agent   TEXT,
    scope        TEXT,
    method       TEXT,
    path         TEXT,
    node         TEXT    NOT NULL
) STRICT;

CREATE INDEX usage_entries_by_key ON usage_entries (key_id, at, n);
CREATE INDEX usage_entries_by_time ON usage_entries (at);

-- How many uses of each outcome a key had in an hour and in a day (UTC), written with the uses themselves.
CREATE TABLE usage_counts (
    key_id   BLOB    NOT NULL CHECK (length(key_id) = 16),
    bucket   TEXT    NOT NULL CHECK (bucket IN ('hour', 'day')),
    began_at INTEGER NOT NULL,
    code     TEXT    NOT NULL,
    uses     INTEGER NOT NULL,
    PRIMARY KEY (key_id, bucket, began_at, code)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_counts_by_time ON usage_counts (bucket, began_at);

-- Who writes uses: up to when all that a node saw is surely written, and whether it ended in order.
CREATE TABLE usage_writers (
    node       TEXT    NOT NULL PRIMARY KEY,
    up_to      INTEGER NOT NULL,
    is_stopped INTEGER NOT NULL CHECK (is_stopped IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Times of which some uses may be missing.
CREATE TABLE usage_gaps (
    n        INTEGER PRIMARY KEY,
    node     TEXT    NOT NULL,
    reason   TEXT    NOT NULL CHECK (reason IN ('killed', 'dropped')),
    began_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL
) STRICT;

CREATE INDEX usage_gaps_by_end ON usage_gaps (ended_at);
CREATE INDEX usage_gaps_of_node ON usage_gaps (node, reason, ended_at);

-- The networks that a key was used from, the latest ones of it.
CREATE TABLE key_networks (
    key_id  BLOB    NOT NULL REFERENCES keys (id),
    network TEXT    NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (key_id, network)
) STRICT, WITHOUT ROWID;

CREATE INDEX key_networks_by_time ON key_networks (key_id, seen_at, network);

-- The network that a key was used from for the first time last, and when that was.
ALTER TABLE key_uses ADD COLUMN network TEXT;
ALTER TABLE key_uses ADD COLUMN network_at INTEGER;

CREATE INDEX key_uses_by_network ON key_uses (home_id, network_at, key_id) WHERE network_at IS NOT NULL;
