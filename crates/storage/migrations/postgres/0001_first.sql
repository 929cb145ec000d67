-- Identifiers are texts as people see them, whose prefix tells the kind: no workspace has the identifier of a person.
-- Times are microseconds since 1970, lists and maps are JSON text, as on SQLite. Texts compare byte by byte ("C").
--
-- Whose rows a transaction sees stands in two variables, set for that transaction alone: keyward.workspace and
-- keyward.person. Every table has row-level security, also against its owner. What is not said here is refused: no role
-- deletes keys or audit entries.

CREATE FUNCTION tenant_workspace() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN starts_with(current_setting('keyward.workspace', true), 'ws_')
        THEN current_setting('keyward.workspace', true) END;
CREATE FUNCTION tenant_person() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN starts_with(current_setting('keyward.person', true), 'usr_')
        THEN current_setting('keyward.person', true) END;
-- Whether this is the role of system work. The rights say which role that is.
CREATE FUNCTION is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE RETURN false;

CREATE TABLE workspaces (
    id         text COLLATE "C" PRIMARY KEY CHECK (id ~ '^ws_'),
    slug       text COLLATE "C" NOT NULL CONSTRAINT workspace_slugs UNIQUE,
    name       text COLLATE "C" NOT NULL,
    plan       text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    version    bigint NOT NULL
);

-- People and service accounts. A service account belongs to one workspace and cannot sign in.
CREATE TABLE users (
    id            text COLLATE "C" PRIMARY KEY CHECK (id ~ '^(usr|sa)_'),
    kind          text COLLATE "C" NOT NULL CHECK (kind IN ('person', 'service_account')),
    name          text COLLATE "C" NOT NULL,
    email         text COLLATE "C" CONSTRAINT person_emails UNIQUE,
    password_hash text COLLATE "C",
    workspace_id  text COLLATE "C" REFERENCES workspaces (id),
    description   text COLLATE "C",
    -- A service account that stands alone, as which several keys may act.
    shared        boolean NOT NULL DEFAULT false,
    created_at    bigint NOT NULL,
    suspended_at  bigint,
    deleted_at    bigint,
    version       bigint NOT NULL DEFAULT 1,
    CHECK ((kind = 'person') = (id ~ '^usr_')),
    CHECK ((kind = 'person') = (email IS NOT NULL)),
    CHECK ((kind = 'person') = (password_hash IS NOT NULL)),
    CHECK ((kind = 'person') = (workspace_id IS NULL)),
    CHECK (kind = 'service_account' OR (NOT shared AND description IS NULL)),
    UNIQUE (id, kind)
);

CREATE UNIQUE INDEX service_account_names ON users (workspace_id, name)
    WHERE kind = 'service_account' AND deleted_at IS NULL;
CREATE INDEX service_accounts_by_id ON users (workspace_id, id)
    WHERE kind = 'service_account' AND deleted_at IS NULL;
CREATE INDEX shared_service_accounts_by_id ON users (workspace_id, id)
    WHERE kind = 'service_account' AND deleted_at IS NULL AND shared;

-- Roles that workspaces made. Deleted ones stay for the names of those who still have them, and hold nothing.
CREATE TABLE roles (
    id           text COLLATE "C" PRIMARY KEY CHECK (id ~ '^rol_'),
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    name         text COLLATE "C" NOT NULL,
    -- The name in lower case: two roles of a workspace do not differ in that alone.
    folded_name  text COLLATE "C" NOT NULL,
    description  text COLLATE "C",
    "grant"      text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    deleted_at   bigint,
    version      bigint NOT NULL
);

CREATE UNIQUE INDEX role_names ON roles (workspace_id, folded_name) WHERE deleted_at IS NULL;

-- A service account is a member with the role ''. Otherwise role is the name of a role of the profile, or the
-- identifier of one of the workspace's own. The reference holds that only people have roles: whoever lets somebody in
-- cannot see them yet.
CREATE TABLE memberships (
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    user_id      text COLLATE "C" NOT NULL,
    role         text COLLATE "C" NOT NULL,
    kind         text COLLATE "C" GENERATED ALWAYS AS
                     (CASE WHEN role = '' THEN 'service_account' ELSE 'person' END) STORED,
    joined_at    bigint NOT NULL,
    suspended_at bigint,
    CONSTRAINT memberships_once PRIMARY KEY (workspace_id, user_id),
    FOREIGN KEY (user_id, kind) REFERENCES users (id, kind)
);

CREATE INDEX memberships_by_user ON memberships (user_id, workspace_id);
CREATE INDEX members_by_time ON memberships (workspace_id, joined_at, user_id) WHERE role <> '';
CREATE INDEX members_by_role ON memberships (workspace_id, role) WHERE role <> '';

-- Revoked and expired keys stay, so that they never look unknown.
CREATE TABLE keys (
    id                 text COLLATE "C" PRIMARY KEY CHECK (id ~ '^key_'),
    kind               text COLLATE "C" NOT NULL CHECK (kind IN ('personal', 'workspace')),
    workspace_id       text COLLATE "C" REFERENCES workspaces (id),
    owner_id           text COLLATE "C" REFERENCES users (id),
    -- Whose it is and where it is listed: the workspace of a workspace key, the owner of a personal one.
    home_id            text COLLATE "C" NOT NULL,
    service_account_id text COLLATE "C" REFERENCES users (id),
    -- It works only in its key_workspaces, which may be none.
    restricted         boolean NOT NULL,
    name               text COLLATE "C" NOT NULL,
    description        text COLLATE "C",
    "grant"            text COLLATE "C" NOT NULL,
    created_at         bigint NOT NULL,
    created_by_type    text COLLATE "C" NOT NULL,
    created_by_id      text COLLATE "C",
    created_by_name    text COLLATE "C" NOT NULL,
    -- The largest number where it never ends by itself.
    ends_at            bigint NOT NULL,
    revoked_at         bigint,
    revoked_by_type    text COLLATE "C",
    revoked_by_id      text COLLATE "C",
    revoked_by_name    text COLLATE "C",
    allowed_cidrs      text COLLATE "C" NOT NULL,
    requests_per_minute bigint CHECK (requests_per_minute BETWEEN 1 AND 1000000),
    metadata           text COLLATE "C" NOT NULL,
    version            bigint NOT NULL,
    CHECK ((kind = 'workspace') = (workspace_id IS NOT NULL)),
    CHECK ((kind = 'workspace') = (service_account_id IS NOT NULL)),
    CHECK (kind = 'workspace' OR owner_id IS NOT NULL),
    CHECK (home_id = coalesce(workspace_id, owner_id)),
    CHECK (kind = 'personal' OR NOT restricted),
    CHECK ((revoked_at IS NULL) = (revoked_by_type IS NULL)),
    CHECK ((revoked_at IS NULL) = (revoked_by_name IS NULL))
);

CREATE INDEX keys_by_time ON keys (home_id, created_at, id);
CREATE INDEX keys_by_name ON keys (home_id, name, id);
CREATE INDEX keys_by_end ON keys (home_id, ends_at, id);
CREATE INDEX keys_by_owner ON keys (home_id, owner_id, created_at, id);
CREATE INDEX keys_by_service_account ON keys (service_account_id, revoked_at) WHERE service_account_id IS NOT NULL;
CREATE INDEX live_keys_by_time ON keys (home_id, created_at, id) WHERE revoked_at IS NULL;
CREATE INDEX live_keys_by_end ON keys (home_id, ends_at, id) WHERE revoked_at IS NULL;
CREATE INDEX revoked_keys_by_time ON keys (home_id, created_at, id) WHERE revoked_at IS NOT NULL;

-- Finds keys by a part of their name or description: a number for each run of three characters in these, drawn from
-- the run and the key's home.
CREATE TABLE key_grams (
    key_id  text COLLATE "C" PRIMARY KEY REFERENCES keys (id),
    home_id text COLLATE "C" NOT NULL,
    grams   bigint[] NOT NULL
);

CREATE INDEX key_grams_by_gram ON key_grams USING gin (grams);

CREATE TABLE key_secrets (
    digest  bytea NOT NULL CONSTRAINT secret_digests PRIMARY KEY CHECK (length(digest) = 32),
    key_id  text COLLATE "C" NOT NULL REFERENCES keys (id),
    -- Repeats the key's, which never changes.
    home_id text COLLATE "C" NOT NULL,
    -- Retired ones open nothing. They stay, so that they never look unknown.
    which   text COLLATE "C" NOT NULL CHECK (which IN ('current', 'previous', 'retired')),
    hint    text COLLATE "C" NOT NULL,
    -- Of the previous one: since when there is a new one, when it ends by itself, when it was last used.
    rotated_at bigint,
    ends_at    bigint,
    used_at    bigint,
    CHECK (which <> 'previous' OR (rotated_at IS NOT NULL AND ends_at IS NOT NULL))
);

CREATE INDEX key_secrets_by_key ON key_secrets (key_id, which);
CREATE UNIQUE INDEX live_key_secrets ON key_secrets (key_id, which) WHERE which <> 'retired';

CREATE TABLE key_workspaces (
    key_id       text COLLATE "C" NOT NULL REFERENCES keys (id),
    home_id      text COLLATE "C" NOT NULL,
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    place        bigint NOT NULL,
    PRIMARY KEY (key_id, workspace_id)
);

CREATE INDEX key_workspaces_by_home ON key_workspaces (home_id, workspace_id);

-- One narrow row a key, apart from the key, since it is written often. A key that was never used has the smallest
-- number.
CREATE TABLE key_uses (
    key_id  text COLLATE "C" PRIMARY KEY REFERENCES keys (id),
    home_id text COLLATE "C" NOT NULL,
    used_at bigint NOT NULL,
    ip      text COLLATE "C"
);

CREATE INDEX key_uses_by_time ON key_uses (home_id, used_at, key_id);

CREATE TABLE sessions (
    id         text COLLATE "C" PRIMARY KEY,
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id),
    token      bytea NOT NULL UNIQUE CHECK (length(token) = 32),
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    ip         text COLLATE "C",
    user_agent text COLLATE "C"
);

CREATE INDEX sessions_by_user ON sessions (user_id, expires_at);

CREATE TABLE invitations (
    id           text COLLATE "C" PRIMARY KEY,
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    email        text COLLATE "C" NOT NULL,
    role         text COLLATE "C" NOT NULL,
    token        bytea NOT NULL UNIQUE CHECK (length(token) = 32),
    created_by   text COLLATE "C" NOT NULL REFERENCES users (id),
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    UNIQUE (workspace_id, email)
);

CREATE INDEX invitations_by_end ON invitations (workspace_id, expires_at);

-- What billing has said of each subscription, by the payment provider's identifier. Those that pay for nothing stay
-- for a while, so that an event that comes late does not bring one back.
CREATE TABLE subscriptions (
    id           text COLLATE "C" PRIMARY KEY,
    workspace_id text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    -- NULL: it pays for nothing (any more).
    plan         text COLLATE "C",
    -- The last event: when and at which stage of the subscription's life, which ones then, when it came in.
    at           bigint NOT NULL,
    stage        text COLLATE "C" NOT NULL CHECK (stage IN ('created', 'updated', 'deleted')),
    events       text COLLATE "C" NOT NULL,
    heard_at     bigint NOT NULL
);

CREATE INDEX paid_subscriptions ON subscriptions (workspace_id, plan) WHERE plan IS NOT NULL;
CREATE INDEX ended_subscriptions ON subscriptions (heard_at) WHERE plan IS NULL;

-- No foreign keys: an entry outlives what it tells of. An entry is first written without a place in its log; once its
-- transaction is committed it is linked: n counts within a log; hash is that of the entry, in which prev, the hash of
-- the one before it, stands.
CREATE TABLE audit_entries (
    written    bigint GENERATED ALWAYS AS IDENTITY,
    home_type  text COLLATE "C" NOT NULL,
    home_id    text COLLATE "C" NOT NULL,
    n          bigint,
    id         text COLLATE "C" PRIMARY KEY,
    at         bigint NOT NULL,
    actor_type text COLLATE "C" NOT NULL,
    actor_id   text COLLATE "C",
    actor_name text COLLATE "C" NOT NULL,
    action     text COLLATE "C" NOT NULL,
    target     text COLLATE "C" NOT NULL,
    before     text COLLATE "C",
    after      text COLLATE "C",
    ip         text COLLATE "C",
    user_agent text COLLATE "C",
    request_id text COLLATE "C" NOT NULL,
    prev       bytea CHECK (length(prev) = 32),
    hash       bytea CHECK (length(hash) = 32),
    CHECK (home_type = CASE WHEN home_id ~ '^ws_' THEN 'workspace' WHEN home_id ~ '^usr_' THEN 'person' END),
    CHECK ((n IS NULL) = (prev IS NULL)),
    CHECK ((n IS NULL) = (hash IS NULL))
);

CREATE UNIQUE INDEX audit_entries_by_place ON audit_entries (home_id, n);
CREATE INDEX audit_entries_by_time ON audit_entries (home_id, at, n);
CREATE INDEX audit_entries_by_actor ON audit_entries (home_id, actor_id, actor_type, at, n);
CREATE INDEX audit_entries_by_action ON audit_entries (home_id, action, at, n);
CREATE INDEX audit_entries_by_target ON audit_entries (home_id, target, at, n);
CREATE INDEX audit_entries_to_link ON audit_entries (written) WHERE n IS NULL;
CREATE INDEX audit_entries_to_link_of_home ON audit_entries (home_id) WHERE n IS NULL;

-- Where each log ends, apart from its entries, so that a missing end shows.
CREATE TABLE audit_heads (
    home_type text COLLATE "C" NOT NULL,
    home_id   text COLLATE "C" PRIMARY KEY,
    n         bigint NOT NULL,
    hash      bytea NOT NULL CHECK (length(hash) = 32)
);

-- A change is first written without an epoch. Once its transaction is committed, it is numbered: so epochs are in the
-- order of commits, though no writer waits for another.
CREATE SEQUENCE change_ids;
CREATE TABLE changes (
    id         bigint PRIMARY KEY DEFAULT nextval('change_ids'),
    epoch      bigint CONSTRAINT changes_by_epoch UNIQUE,
    kind       text COLLATE "C" NOT NULL
               CHECK (kind IN ('key', 'workspace', 'membership', 'person', 'role', 'service_account')),
    subject_id text COLLATE "C" NOT NULL,
    user_id    text COLLATE "C",
    CHECK ((kind = 'membership') = (user_id IS NOT NULL))
);

CREATE INDEX changes_to_number ON changes (id) WHERE epoch IS NULL;

-- No epoch above this one was ever told to anybody.
CREATE TABLE epochs_reserved (up_to bigint NOT NULL);
INSERT INTO epochs_reserved VALUES (0);
-- Numbering does not wait for the disk. An unlogged table is empty after a crash, and on a standby that takes over:
-- there the last numberings may be lost, and numbering goes on above all that may have been told.
CREATE UNLOGGED TABLE numbering_goes_on (since timestamptz NOT NULL);

-- Numbers the changes that are committed, and returns the epochs of those that are asked for, in this order; of what is
-- none, the last of all. Compiling a plan would take a hundred times as long as running it.
CREATE FUNCTION number_changes(own bigint[]) RETURNS bigint[] LANGUAGE plpgsql VOLATILE
SET search_path = keyward, pg_temp SET lock_timeout = '5s' SET enable_seqscan = off SET jit = off AS $$
DECLARE
    -- What is numbered above the last, before the next million must be reserved.
    stock CONSTANT bigint := 1000000;
    base bigint;
    reserved bigint;
BEGIN
    IF EXISTS (SELECT 1 FROM changes WHERE epoch IS NULL) THEN
        -- Held until the numbers can be seen: "Kywd" and what it is for.
        PERFORM pg_advisory_xact_lock(1266254692, 1);
        SELECT coalesce(max(epoch), 0) INTO base FROM changes;
        SELECT up_to INTO reserved FROM epochs_reserved;
        IF NOT EXISTS (SELECT 1 FROM numbering_goes_on) THEN
            base := greatest(base, reserved);
            reserved := base;
            INSERT INTO numbering_goes_on VALUES (now());
        END IF;
        WITH numbered AS (
            SELECT id, base + row_number() OVER (ORDER BY id) AS epoch FROM changes WHERE epoch IS NULL
        ), written AS (
            UPDATE changes c SET epoch = n.epoch FROM numbered n WHERE c.id = n.id RETURNING c.epoch
        )
        SELECT coalesce(max(epoch), base) INTO base FROM written;
        IF base > reserved THEN
            UPDATE epochs_reserved SET up_to = base + stock;
        ELSE
            PERFORM set_config('synchronous_commit', 'off', true);
        END IF;
        -- Wakes those who follow. Whoever does not hear it looks by themselves.
        PERFORM pg_notify('keyward_changes', base::text);
    END IF;
    RETURN ARRAY(SELECT coalesce((SELECT c.epoch FROM changes c WHERE c.id = o.id), (SELECT max(epoch) FROM changes), 0)
                 FROM unnest(own) WITH ORDINALITY AS o (id, place) ORDER BY o.place);
END $$;

-- What was asked under an Idempotency-Key, and what was answered to it, without any secret. Of the question itself
-- only digests are kept: a path, a body or the header may hold what must not lie here.
CREATE TABLE idempotency (
    id           bytea NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- Whose rows the actor may write: their own transactions mark what they have claimed.
    workspace_id text COLLATE "C",
    person_id    text COLLATE "C",
    actor        text COLLATE "C" NOT NULL,
    name         bytea NOT NULL CHECK (length(name) = 32),
    fingerprint  bytea NOT NULL CHECK (length(fingerprint) = 32),
    state        text COLLATE "C" NOT NULL CHECK (state IN ('started', 'committed', 'answered')),
    started_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    status       bigint,
    etag         text COLLATE "C",
    location     text COLLATE "C",
    body         text COLLATE "C",
    body_len     bigint NOT NULL,
    UNIQUE (actor, name),
    CHECK ((state = 'answered') = (status IS NOT NULL))
);

CREATE INDEX idempotency_by_end ON idempotency (expires_at);
-- With body_len, so that adding up stays within the index.
CREATE INDEX idempotency_by_actor ON idempotency (actor, expires_at, body_len);

-- The lives of this store; the last is the present one. A store that is put back from a backup begins another: what was
-- changed after the backup is gone, so epochs of one life say nothing about another.
CREATE TABLE incarnations (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           bytea NOT NULL UNIQUE CHECK (length(id) = 16),
    began_by     text COLLATE "C" NOT NULL CHECK (began_by IN ('creation', 'copy', 'restore')),
    began_at     bigint NOT NULL,
    -- Of what was put back: the time that it tells of, if that is known.
    as_of        bigint,
    -- NULL: nothing is decided by it until somebody has looked at what came back.
    confirmed_at bigint
);

INSERT INTO incarnations (id, began_by, began_at, confirmed_at)
SELECT uuid_send(gen_random_uuid()), 'creation', at, at
FROM (SELECT (extract(epoch FROM now()) * 1000000)::bigint AS at) AS began;

-- Row-level security. A sub-select is asked once a statement, not once a row.

CREATE POLICY seen ON workspaces FOR SELECT USING (
    (SELECT is_system()) OR id = (SELECT tenant_workspace())
    OR EXISTS (SELECT 1 FROM memberships m
               WHERE m.workspace_id = workspaces.id AND m.user_id = (SELECT tenant_person()))
    -- Those that one's own key is restricted to, also after one has left them.
    OR EXISTS (SELECT 1 FROM key_workspaces r
               WHERE r.home_id = (SELECT tenant_person()) AND r.workspace_id = workspaces.id));
CREATE POLICY founded ON workspaces FOR INSERT WITH CHECK ((SELECT is_system()));
CREATE POLICY edited ON workspaces FOR UPDATE
    USING ((SELECT is_system()) OR id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR id = (SELECT tenant_workspace()));

CREATE POLICY seen ON users FOR SELECT USING (
    (SELECT is_system()) OR id = (SELECT tenant_person()) OR workspace_id = (SELECT tenant_workspace())
    OR EXISTS (SELECT 1 FROM memberships m
               WHERE m.workspace_id = (SELECT tenant_workspace()) AND m.user_id = users.id));
CREATE POLICY made ON users FOR INSERT
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));
CREATE POLICY edited ON users FOR UPDATE
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));

CREATE POLICY seen ON roles FOR SELECT USING (
    (SELECT is_system()) OR workspace_id = (SELECT tenant_workspace())
    -- The one that somebody has themselves.
    OR EXISTS (SELECT 1 FROM memberships m WHERE m.workspace_id = roles.workspace_id
               AND m.user_id = (SELECT tenant_person()) AND m.role = roles.id));
CREATE POLICY made ON roles FOR INSERT
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));
CREATE POLICY edited ON roles FOR UPDATE
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));

CREATE POLICY seen ON memberships FOR SELECT USING (
    (SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()) OR user_id = (SELECT tenant_person()));
CREATE POLICY made ON memberships FOR INSERT
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));
CREATE POLICY edited ON memberships FOR UPDATE
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));
CREATE POLICY ended ON memberships FOR DELETE
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));

CREATE POLICY own ON keys
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY own ON key_grams
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY own ON key_secrets
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY own ON key_uses
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY own ON key_workspaces
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_person()));

CREATE POLICY of_the_system ON sessions USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));
CREATE POLICY of_the_system ON subscriptions USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));
CREATE POLICY of_the_system ON incarnations USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));
CREATE POLICY of_the_system ON epochs_reserved USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));
CREATE POLICY of_the_system ON numbering_goes_on USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));

CREATE POLICY own ON invitations
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));

CREATE POLICY own ON audit_entries
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY own ON audit_heads
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()));

CREATE POLICY own ON idempotency
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()) OR person_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()) OR person_id = (SELECT tenant_person()));

-- Whether a change may be told by this transaction: of what it may write. Its plans are kept, unlike those of a function
-- in SQL, and it is asked with every change.
CREATE FUNCTION may_tell(told_kind text, subject text) RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = keyward, pg_temp AS $$
BEGIN
    IF is_system() THEN
        RETURN true;
    END IF;
    CASE told_kind
        WHEN 'key' THEN
            RETURN EXISTS (SELECT 1 FROM keys k WHERE k.id = subject
                AND (k.home_id = tenant_workspace() OR k.home_id = tenant_person()));
        WHEN 'person' THEN
            RETURN coalesce(subject = tenant_person(), false) OR EXISTS (SELECT 1 FROM memberships m
                WHERE m.workspace_id = tenant_workspace() AND m.user_id = subject);
        WHEN 'service_account' THEN
            RETURN EXISTS (SELECT 1 FROM users a WHERE a.id = subject AND a.workspace_id = tenant_workspace());
        WHEN 'role' THEN
            RETURN EXISTS (SELECT 1 FROM roles r WHERE r.id = subject AND r.workspace_id = tenant_workspace());
        ELSE
            RETURN coalesce(subject = tenant_workspace(), false);
    END CASE;
END $$;

CREATE POLICY seen ON changes FOR SELECT USING ((SELECT is_system()));
-- Most changes are of keys: these are looked up without calling a function.
CREATE POLICY told ON changes FOR INSERT WITH CHECK (
    (SELECT is_system()) OR (epoch IS NULL AND CASE kind
        WHEN 'key' THEN (SELECT k.home_id FROM keys k WHERE k.id = changes.subject_id)
            IN ((SELECT tenant_workspace()), (SELECT tenant_person()))
        ELSE may_tell(kind, subject_id) END));
CREATE POLICY numbered ON changes FOR UPDATE USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));

-- Two narrow doors through which a tenant's transaction asks beyond its rows. The owner of the tables answers, who
-- therefore must see these two.
CREATE POLICY asked ON key_grams FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY asked ON key_secrets FOR SELECT TO CURRENT_USER USING (true);

-- The keys of the tenant's workspace, or person, that have all of these grams. Under row-level security the index of
-- grams cannot be used: `@>` might tell of rows that are not seen.
CREATE FUNCTION keys_with(asked bigint[], of_person boolean, at_most bigint) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = keyward, pg_temp SET enable_seqscan = off AS $$
DECLARE
    home CONSTANT text := CASE WHEN of_person THEN tenant_person() ELSE tenant_workspace() END;
BEGIN
    RETURN QUERY SELECT g.key_id::text FROM key_grams g WHERE g.grams @> asked AND g.home_id = home LIMIT at_most;
END $$;

-- Which of these secrets some key of the store has or had, and which key where it is the workspace's own.
CREATE FUNCTION known_secrets(asked bytea[]) RETURNS TABLE (place bigint, key_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = keyward, pg_temp AS $$
    SELECT a.place - 1, CASE WHEN s.home_id = tenant_workspace() THEN s.key_id END
    FROM unnest(asked) WITH ORDINALITY AS a (digest, place) JOIN key_secrets s ON s.digest = a.digest
    WHERE tenant_workspace() IS NOT NULL ORDER BY a.place
$$;

DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'keyward'::regnamespace AND c.relkind IN ('r', 'p')
        -- It says what there is, and nothing of any tenant.
        AND c.relname <> 'schema_versions'
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    END LOOP;
END $$;
