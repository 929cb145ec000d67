-- When somebody must look whether a notice of a key's end is due: one row for each key that has a notice to come.
CREATE TABLE notices_due (
    key_id     BLOB    NOT NULL PRIMARY KEY REFERENCES keys (id),
    due_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX notices_due_by_time ON notices_due (due_at, key_id);

-- Keys that were there before. Each is looked at once; those that have ended are no news any more.
INSERT INTO notices_due (key_id, due_at)
    SELECT id, created_at FROM keys
    WHERE revoked_at IS NULL AND ends_at < 9223372036854775807
      AND ends_at > CAST(unixepoch('subsec') * 1000000 AS INTEGER);

-- Which notices were given. They are of one end of the key: were it changed, they would be given anew. days: how many
-- before the end; 0 for the end itself.
CREATE TABLE notices (
    key_id     BLOB    NOT NULL REFERENCES keys (id),
    expires_at INTEGER NOT NULL,
    days       INTEGER NOT NULL CHECK (days >= 0),
    given_at   INTEGER NOT NULL,
    PRIMARY KEY (key_id, expires_at, days)
) STRICT, WITHOUT ROWID;

-- Mails of notices: to whom and of what, not what they say. That is written when they are sent, so that nobody's
-- address lies here.
CREATE TABLE mails (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    key_id     BLOB    NOT NULL,
    expires_at INTEGER NOT NULL,
    days       INTEGER NOT NULL,
    user_id    BLOB    NOT NULL REFERENCES users (id),
    state      TEXT    NOT NULL CHECK (state IN ('waiting', 'sent', 'refused', 'given_up', 'dropped')),
    attempts   INTEGER NOT NULL,
    -- When it is tried next; while somebody sends it (claim), when another may.
    due_at     INTEGER,
    claim      BLOB CHECK (length(claim) = 16),
    error      TEXT,
    ended_at   INTEGER,
    UNIQUE (key_id, expires_at, days, user_id),
    FOREIGN KEY (key_id, expires_at, days) REFERENCES notices (key_id, expires_at, days),
    CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CHECK (claim IS NULL OR state = 'waiting')
) STRICT, WITHOUT ROWID;

CREATE INDEX mails_by_time ON mails (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX claimed_mails ON mails (claim) WHERE claim IS NOT NULL;
CREATE INDEX ended_mails ON mails (ended_at) WHERE ended_at IS NOT NULL;
