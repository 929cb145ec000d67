-- Identifiers are 16 bytes, times are microseconds since 1970, lists and maps are JSON text.

CREATE TABLE workspaces (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    slug       TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    plan       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- People and service accounts. A service account belongs to one workspace and cannot sign in.
CREATE TABLE users (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind          TEXT    NOT NULL CHECK (kind IN ('person', 'service_account')),
    name          TEXT    NOT NULL,
    email         TEXT    UNIQUE,
    password_hash TEXT,
    workspace_id  BLOB    REFERENCES workspaces (id),
    description   TEXT,
    -- 1: a service account that stands alone, as which several keys may act.
    shared        INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1)),
    created_at    INTEGER NOT NULL,
    suspended_at  INTEGER,
    deleted_at    INTEGER,
    version       INTEGER NOT NULL DEFAULT 1,
    CHECK ((kind = 'person') = (email IS NOT NULL)),
    CHECK ((kind = 'person') = (password_hash IS NOT NULL)),
    CHECK ((kind = 'person') = (workspace_id IS NULL)),
    CHECK (kind = 'service_account' OR (shared = 0 AND description IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX service_account_names ON users (workspace_id, name)
    WHERE kind = 'service_account' AND deleted_at IS NULL;
CREATE INDEX service_accounts_by_id ON users (workspace_id, id)
    WHERE kind = 'service_account' AND deleted_at IS NULL;
CREATE INDEX shared_service_accounts_by_id ON users (workspace_id, id)
    WHERE kind = 'service_account' AND deleted_at IS NULL AND shared = 1;

-- Roles that workspaces made. Deleted ones stay for the names of those who still have them, and hold nothing.
-- The identifier is text, since it stands in memberships.role beside the names of the profile's roles.
CREATE TABLE roles (
    id           TEXT    NOT NULL PRIMARY KEY,
    workspace_id BLOB    NOT NULL REFERENCES workspaces (id),
    name         TEXT    NOT NULL,
    -- The name in lower case: two roles of a workspace do not differ in that alone.
    folded_name  TEXT    NOT NULL,
    description  TEXT,
    "grant"      TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    deleted_at   INTEGER,
    version      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX role_names ON roles (workspace_id, folded_name) WHERE deleted_at IS NULL;

-- A service account is a member with the role ''. Otherwise role is the name of a role of the profile, or the
-- identifier of one of the workspace's own.
CREATE TABLE memberships (
    workspace_id BLOB    NOT NULL REFERENCES workspaces (id),
    user_id      BLOB    NOT NULL REFERENCES users (id),
    role         TEXT    NOT NULL,
    joined_at    INTEGER NOT NULL,
    suspended_at INTEGER,
    PRIMARY KEY (workspace_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX memberships_by_user ON memberships (user_id, workspace_id);
CREATE INDEX members_by_time ON memberships (workspace_id, joined_at, user_id) WHERE role <> '';
CREATE INDEX members_by_role ON memberships (workspace_id, role) WHERE role <> '';

-- Revoked and expired keys stay, so that they never look unknown. Rows are wide, hence the rowid: an index
-- tree (WITHOUT ROWID) would carry whole rows in its inner pages. It has a name, so that VACUUM keeps it:
-- key_grams refers to it.
CREATE TABLE keys (
    number             INTEGER PRIMARY KEY,
    id                 BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    kind               TEXT    NOT NULL CHECK (kind IN ('personal', 'workspace')),
    workspace_id       BLOB    REFERENCES workspaces (id),
    owner_id           BLOB    REFERENCES users (id),
    -- Where it is listed: the workspace of a workspace key, the owner of a personal one.
    home_id            BLOB    NOT NULL,
    service_account_id BLOB    REFERENCES users (id),
    -- 1: it works only in its key_workspaces, which may be none.
    restricted         INTEGER NOT NULL CHECK (restricted IN (0, 1)),
    name               TEXT    NOT NULL,
    description        TEXT,
    "grant"            TEXT    NOT NULL,
    created_at         INTEGER NOT NULL,
    created_by_type    TEXT    NOT NULL,
    created_by_id      BLOB,
    created_by_name    TEXT    NOT NULL,
    -- The largest number where it never ends by itself.
    ends_at            INTEGER NOT NULL,
    revoked_at         INTEGER,
    revoked_by_type    TEXT,
    revoked_by_id      BLOB,
    revoked_by_name    TEXT,
    allowed_cidrs      TEXT    NOT NULL,
    requests_per_minute INTEGER CHECK (requests_per_minute BETWEEN 1 AND 1000000),
    metadata           TEXT    NOT NULL,
    version            INTEGER NOT NULL,
    CHECK ((kind = 'workspace') = (workspace_id IS NOT NULL)),
    CHECK ((kind = 'workspace') = (service_account_id IS NOT NULL)),
    CHECK (kind = 'workspace' OR owner_id IS NOT NULL),
    CHECK (home_id = ifnull(workspace_id, owner_id)),
    CHECK (kind = 'personal' OR restricted = 0),
    CHECK ((revoked_at IS NULL) = (revoked_by_type IS NULL)),
    CHECK ((revoked_at IS NULL) = (revoked_by_name IS NULL))
) STRICT;

CREATE INDEX keys_by_time ON keys (home_id, created_at, id);
CREATE INDEX keys_by_name ON keys (home_id, name, id);
CREATE INDEX keys_by_end ON keys (home_id, ends_at, id);
CREATE INDEX keys_by_owner ON keys (home_id, owner_id, created_at, id);
CREATE INDEX keys_by_service_account ON keys (service_account_id, revoked_at) WHERE service_account_id IS NOT NULL;
CREATE INDEX live_keys_by_time ON keys (home_id, created_at, id) WHERE revoked_at IS NULL;
-- With revoked_at, so that counting stays within the index.
CREATE INDEX live_keys_by_end ON keys (home_id, ends_at, id, revoked_at) WHERE revoked_at IS NULL;
CREATE INDEX revoked_keys_by_time ON keys (home_id, created_at, id, revoked_at) WHERE revoked_at IS NOT NULL;

-- Finds keys by a part of their name or description: the runs of three characters in these, each behind the key's
-- home, so that no search touches what another tenant's keys hold. Its rowid is keys.number.
CREATE VIRTUAL TABLE key_grams USING fts5 (
    grams, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

CREATE TABLE key_secrets (
    digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    key_id BLOB NOT NULL REFERENCES keys (id),
    -- Retired ones open nothing. They stay, so that they never look unknown.
    which  TEXT NOT NULL CHECK (which IN ('current', 'previous', 'retired')),
    hint   TEXT NOT NULL,
    -- Of the previous one: since when there is a new one, when it ends by itself, when it was last used.
    rotated_at INTEGER,
    ends_at    INTEGER,
    used_at    INTEGER,
    CHECK (which <> 'previous' OR (rotated_at IS NOT NULL AND ends_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX key_secrets_by_key ON key_secrets (key_id, which);
CREATE UNIQUE INDEX live_key_secrets ON key_secrets (key_id, which) WHERE which <> 'retired';

CREATE TABLE key_workspaces (
    key_id       BLOB    NOT NULL REFERENCES keys (id),
    workspace_id BLOB    NOT NULL REFERENCES workspaces (id),
    place        INTEGER NOT NULL,
    PRIMARY KEY (key_id, workspace_id)
) STRICT, WITHOUT ROWID;

-- One narrow row a key, apart from the key, since it is written often. It repeats the key's home, which never
-- changes, so that a list can be sorted by it. A key that was never used has the smallest number.
CREATE TABLE key_uses (
    key_id  BLOB    NOT NULL PRIMARY KEY REFERENCES keys (id),
    home_id BLOB    NOT NULL,
    used_at INTEGER NOT NULL,
    ip      TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX key_uses_by_time ON key_uses (home_id, used_at, key_id);

CREATE TABLE sessions (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id    BLOB    NOT NULL REFERENCES users (id),
    token      BLOB    NOT NULL UNIQUE CHECK (length(token) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ip         TEXT,
    user_agent TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id, expires_at);

CREATE TABLE invitations (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    workspace_id BLOB    NOT NULL REFERENCES workspaces (id),
    email        TEXT    NOT NULL,
    role         TEXT    NOT NULL,
    token        BLOB    NOT NULL UNIQUE CHECK (length(token) = 32),
    created_by   BLOB    NOT NULL REFERENCES users (id),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    UNIQUE (workspace_id, email)
) STRICT, WITHOUT ROWID;

CREATE INDEX invitations_by_end ON invitations (workspace_id, expires_at);

-- What billing has said of each subscription, by the payment provider's identifier. Those that pay for nothing
-- stay for a while, so that an event that comes late does not bring one back.
CREATE TABLE subscriptions (
    id           TEXT    NOT NULL PRIMARY KEY,
    workspace_id BLOB    NOT NULL REFERENCES workspaces (id),
    -- NULL: it pays for nothing (any more).
    plan         TEXT,
    -- The last event: when and at which stage of the subscription's life, which ones then, when it came in.
    at           INTEGER NOT NULL,
    stage        TEXT    NOT NULL CHECK (stage IN ('created', 'updated', 'deleted')),
    events       TEXT    NOT NULL,
    heard_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX paid_subscriptions ON subscriptions (workspace_id, plan) WHERE plan IS NOT NULL;
CREATE INDEX ended_subscriptions ON subscriptions (heard_at) WHERE plan IS NULL;

-- No foreign keys: an entry outlives what it tells of. n counts within a log; hash is that of the entry, in which prev,
-- the hash of the one before it, stands.
CREATE TABLE audit_entries (
    home_type  TEXT    NOT NULL CHECK (home_type IN ('workspace', 'person')),
    home_id    BLOB    NOT NULL,
    n          INTEGER NOT NULL,
    id         BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    at         INTEGER NOT NULL,
    actor_type TEXT    NOT NULL,
    actor_id   BLOB,
    actor_name TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    before     TEXT,
    after      TEXT,
    ip         TEXT,
    user_agent TEXT,
    request_id BLOB    NOT NULL,
    prev       BLOB    NOT NULL CHECK (length(prev) = 32),
    hash       BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE UNIQUE INDEX audit_entries_by_place ON audit_entries (home_id, home_type, n);
CREATE INDEX audit_entries_by_time ON audit_entries (home_id, home_type, at, n);
CREATE INDEX audit_entries_by_actor ON audit_entries (home_id, home_type, actor_id, actor_type, at, n);
CREATE INDEX audit_entries_by_action ON audit_entries (home_id, home_type, action, at, n);
CREATE INDEX audit_entries_by_target ON audit_entries (home_id, home_type, target, at, n);

-- Where each log ends, apart from its entries, so that a missing end shows.
CREATE TABLE audit_heads (
    home_type TEXT    NOT NULL,
    home_id   BLOB    NOT NULL,
    n         INTEGER NOT NULL,
    hash      BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (home_id, home_type)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: the number of a committed change is never given out again.
CREATE TABLE changes (
    epoch      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('key', 'workspace', 'membership', 'person', 'role', 'service_account')),
    subject_id BLOB    NOT NULL,
    user_id    BLOB,
    CHECK ((kind = 'membership') = (user_id IS NOT NULL))
) STRICT;

-- What was asked under an Idempotency-Key, and what was answered to it, without any secret. Of the question itself
-- only digests are kept: a path, a body or the header may hold what must not lie here. Answers are long, hence the
-- rowid.
CREATE TABLE idempotency (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- Whose rows the actor may write: their own transactions mark what they have claimed.
    workspace_id BLOB,
    person_id    BLOB,
    actor        TEXT    NOT NULL,
    name         BLOB    NOT NULL CHECK (length(name) = 32),
    fingerprint  BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    state        TEXT    NOT NULL CHECK (state IN ('started', 'committed', 'answered')),
    started_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    status       INTEGER,
    etag         TEXT,
    location     TEXT,
    body         TEXT,
    body_len     INTEGER NOT NULL,
    UNIQUE (actor, name),
    CHECK ((state = 'answered') = (status IS NOT NULL))
) STRICT;

CREATE INDEX idempotency_by_end ON idempotency (expires_at);
-- With body_len, so that adding up stays within the index.
CREATE INDEX idempotency_by_actor ON idempotency (actor, expires_at, body_len);
