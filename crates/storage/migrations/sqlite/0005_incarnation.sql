-- The lives of this store; the last is the present one. A store that is put back from a backup begins another: what was
-- changed after the backup is gone, so epochs of one life say nothing about another.
CREATE TABLE incarnations (
    number       INTEGER PRIMARY KEY,
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    began_by     TEXT    NOT NULL CHECK (began_by IN ('creation', 'copy', 'restore')),
    began_at     INTEGER NOT NULL,
    -- Of what was put back: the time that it tells of, if that is known.
    as_of        INTEGER,
    -- NULL: nothing is decided by it until somebody has looked at what came back.
    confirmed_at INTEGER
) STRICT;

INSERT INTO incarnations (id, began_by, began_at, confirmed_at)
SELECT randomblob(16), 'creation', now, now
FROM (SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS now);
