-- When somebody must look whether a notice of a key's end is due: one row for each key that has a notice to come.
CREATE TABLE notices_due (
    key_id  text COLLATE "C" PRIMARY KEY REFERENCES keys (id),
    home_id text COLLATE "C" NOT NULL,
    due_at  bigint NOT NULL
);

CREATE INDEX notices_due_by_time ON notices_due (due_at, key_id);

-- Which notices were given. They are of one end of the key: were it changed, they would be given anew. days: how many
-- before the end; 0 for the end itself.
CREATE TABLE notices (
    key_id     text COLLATE "C" NOT NULL REFERENCES keys (id),
    home_id    text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    days       bigint NOT NULL CHECK (days >= 0),
    given_at   bigint NOT NULL,
    PRIMARY KEY (key_id, expires_at, days)
);

-- Mails of notices: to whom and of what, not what they say. That is written when they are sent, so that nobody's
-- address lies here.
CREATE TABLE mails (
    id         text COLLATE "C" PRIMARY KEY,
    key_id     text COLLATE "C" NOT NULL,
    home_id    text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    days       bigint NOT NULL,
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id),
    state      text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'sent', 'refused', 'given_up', 'dropped')),
    attempts   bigint NOT NULL,
    -- When it is tried next; while somebody sends it (claim), when another may.
    due_at     bigint,
    claim      bytea CHECK (length(claim) = 16),
    error      text COLLATE "C",
    ended_at   bigint,
    UNIQUE (key_id, expires_at, days, user_id),
    FOREIGN KEY (key_id, expires_at, days) REFERENCES notices (key_id, expires_at, days),
    CHECK ((state = 'waiting') = (due_at IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended_at IS NULL)),
    CHECK (claim IS NULL OR state = 'waiting')
);

CREATE INDEX mails_by_time ON mails (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX claimed_mails ON mails (claim) WHERE claim IS NOT NULL;
CREATE INDEX ended_mails ON mails (ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE notices_due ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE notices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE mails ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON notices_due
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY own ON notices
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()));
CREATE POLICY own ON mails
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()));
