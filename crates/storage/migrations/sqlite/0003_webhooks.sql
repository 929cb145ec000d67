-- Addresses that a workspace's events are sent to. The signing secrets are sealed with a key that is not in the store.
-- Deleted ones stay, without their secrets, until their deliveries are swept away.
CREATE TABLE webhooks (
    id                 BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    workspace_id       BLOB    NOT NULL REFERENCES workspaces (id),
    url                TEXT    NOT NULL,
    description        TEXT,
    -- NULL: all kinds, also those to come.
    kinds              TEXT,
    secret             BLOB    NOT NULL,
    -- While a new secret takes over: the one before it, and until when it signs too.
    old_secret         BLOB,
    old_secret_ends_at INTEGER,
    created_at         INTEGER NOT NULL,
    disabled_at        INTEGER,
    disabled_why       TEXT    CHECK (disabled_why IN ('asked', 'failing', 'gone')),
    deleted_at         INTEGER,
    version            INTEGER NOT NULL,
    -- What deliveries make of it. Edits do not count these.
    failing_since      INTEGER,
    succeeded_at       INTEGER,
    waiting            INTEGER NOT NULL DEFAULT 0,
    dropped            INTEGER NOT NULL DEFAULT 0,
    -- When there is something to do for it. NULL: nothing, or it is disabled.
    next_due_at        INTEGER,
    CHECK ((old_secret IS NULL) = (old_secret_ends_at IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_why IS NULL))
) STRICT;

CREATE INDEX webhooks_by_id ON webhooks (workspace_id, id) WHERE deleted_at IS NULL;
CREATE INDEX webhooks_by_due ON webhooks (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX webhooks_failing ON webhooks (failing_since) WHERE failing_since IS NOT NULL AND disabled_at IS NULL;
CREATE INDEX webhooks_deleted ON webhooks (deleted_at) WHERE deleted_at IS NOT NULL;

-- Events on their way to one webhook each, and the log of those that have ended. Written in the transaction of what they
-- tell of. AUTOINCREMENT: their numbers are their order, and none is given out again.
CREATE TABLE webhook_deliveries (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    webhook_id   BLOB    NOT NULL REFERENCES webhooks (id),
    workspace_id BLOB    NOT NULL REFERENCES workspaces (id),
    event_id     BLOB    NOT NULL CHECK (length(event_id) = 16),
    kind         TEXT    NOT NULL,
    -- What the event is about: the events of one subject are sent one after the other.
    subject      TEXT    NOT NULL,
    payload      TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
    -- When it is tried next. NULL where it is waiting: an earlier event of its subject is waiting too.
    due_at       INTEGER,
    -- Whose turn it is, until due_at.
    claim        BLOB,
    -- Since it was last set going; the log keeps earlier ones.
    attempts     INTEGER NOT NULL DEFAULT 0,
    log          TEXT    NOT NULL DEFAULT '[]',
    ended_at     INTEGER,
    CHECK ((status = 'waiting') = (ended_at IS NULL)),
    CHECK (status = 'waiting' OR (due_at IS NULL AND claim IS NULL)),
    CHECK (claim IS NULL OR due_at IS NOT NULL)
) STRICT;

CREATE INDEX webhook_deliveries_by_number ON webhook_deliveries (webhook_id, number);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (webhook_id, status, number);
CREATE INDEX webhook_deliveries_by_kind ON webhook_deliveries (webhook_id, kind, number);
CREATE INDEX webhook_deliveries_by_subject ON webhook_deliveries (webhook_id, subject, number);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, subject, number) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at, number) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_claimed ON webhook_deliveries (webhook_id, due_at) WHERE claim IS NOT NULL;
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;
