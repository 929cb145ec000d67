-- Addresses that a workspace's events are sent to. The signing secrets are sealed with a key that is not in the store.
-- Deleted ones stay, without their secrets, until their deliveries are swept away.
CREATE TABLE webhooks (
    id                 text COLLATE "C" PRIMARY KEY,
    workspace_id       text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    url                text COLLATE "C" NOT NULL,
    description        text COLLATE "C",
    -- NULL: all kinds, also those to come.
    kinds              text COLLATE "C",
    secret             bytea NOT NULL,
    -- While a new secret takes over: the one before it, and until when it signs too.
    old_secret         bytea,
    old_secret_ends_at bigint,
    created_at         bigint NOT NULL,
    disabled_at        bigint,
    disabled_why       text COLLATE "C" CHECK (disabled_why IN ('asked', 'failing', 'gone')),
    deleted_at         bigint,
    version            bigint NOT NULL,
    -- What deliveries make of it. Edits do not count these.
    failing_since      bigint,
    succeeded_at       bigint,
    waiting            bigint NOT NULL DEFAULT 0,
    dropped            bigint NOT NULL DEFAULT 0,
    -- When there is something to do for it. NULL: nothing, or it is disabled.
    next_due_at        bigint,
    CHECK ((old_secret IS NULL) = (old_secret_ends_at IS NULL)),
    CHECK ((disabled_at IS NULL) = (disabled_why IS NULL))
);

CREATE INDEX webhooks_by_id ON webhooks (workspace_id, id) WHERE deleted_at IS NULL;
CREATE INDEX webhooks_by_due ON webhooks (next_due_at) WHERE next_due_at IS NOT NULL;
CREATE INDEX webhooks_failing ON webhooks (failing_since) WHERE failing_since IS NOT NULL AND disabled_at IS NULL;
CREATE INDEX webhooks_deleted ON webhooks (deleted_at) WHERE deleted_at IS NOT NULL;

-- Events on their way to one webhook each, and the log of those that have ended. Written in the transaction of what they
-- tell of. The row of the webhook is written before one is added: so their numbers are their order.
CREATE TABLE webhook_deliveries (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           text COLLATE "C" NOT NULL UNIQUE,
    webhook_id   text COLLATE "C" NOT NULL REFERENCES webhooks (id),
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    event_id     text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" NOT NULL,
    -- What the event is about: the events of one subject are sent one after the other.
    subject      text COLLATE "C" NOT NULL,
    payload      text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    status       text COLLATE "C" NOT NULL CHECK (status IN ('waiting', 'delivered', 'failed')),
    -- When it is tried next. NULL where it is waiting: an earlier event of its subject is waiting too.
    due_at       bigint,
    -- Whose turn it is, until due_at.
    claim        bytea,
    -- Since it was last set going; the log keeps earlier ones.
    attempts     bigint NOT NULL DEFAULT 0,
    log          text COLLATE "C" NOT NULL DEFAULT '[]',
    ended_at     bigint,
    CHECK ((status = 'waiting') = (ended_at IS NULL)),
    CHECK (status = 'waiting' OR (due_at IS NULL AND claim IS NULL)),
    CHECK (claim IS NULL OR due_at IS NOT NULL)
);

CREATE INDEX webhook_deliveries_by_number ON webhook_deliveries (webhook_id, number);
CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (webhook_id, status, number);
CREATE INDEX webhook_deliveries_by_kind ON webhook_deliveries (webhook_id, kind, number);
CREATE INDEX webhook_deliveries_by_subject ON webhook_deliveries (webhook_id, subject, number);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (webhook_id, subject, number) WHERE status = 'waiting';
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at, number) WHERE due_at IS NOT NULL;
CREATE INDEX webhook_deliveries_claimed ON webhook_deliveries (webhook_id, due_at) WHERE claim IS NOT NULL;
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE webhooks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON webhooks
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));
CREATE POLICY own ON webhook_deliveries
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));
