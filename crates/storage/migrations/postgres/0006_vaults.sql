-- Secrets that people keep here to be shown again. They are sealed with a key that is not in the store.
CREATE TABLE vaults (
    id              text COLLATE "C" PRIMARY KEY,
    workspace_id    text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    name            text COLLATE "C" NOT NULL,
    -- The name in lower case: two vaults of a workspace do not differ in that alone.
    folded_name     text COLLATE "C" NOT NULL,
    description     text COLLATE "C",
    created_at      bigint NOT NULL,
    created_by_type text COLLATE "C" NOT NULL,
    created_by_id   text COLLATE "C",
    created_by_name text COLLATE "C" NOT NULL,
    version         bigint NOT NULL
);

CREATE UNIQUE INDEX vault_names ON vaults (workspace_id, folded_name);
CREATE INDEX vaults_by_id ON vaults (workspace_id, id);

CREATE TABLE vault_secrets (
    id              text COLLATE "C" PRIMARY KEY,
    vault_id        text COLLATE "C" NOT NULL REFERENCES vaults (id),
    workspace_id    text COLLATE "C" NOT NULL REFERENCES workspaces (id),
    name            text COLLATE "C" NOT NULL,
    sealed          bytea NOT NULL,
    -- Where it is the secret of a key of the workspace: which key's, and which of its secrets. The digest of any other
    -- secret is not kept, since a short one could be guessed from it.
    key_id          text COLLATE "C" REFERENCES keys (id),
    digest          bytea CHECK (length(digest) = 32),
    created_at      bigint NOT NULL,
    created_by_type text COLLATE "C" NOT NULL,
    created_by_id   text COLLATE "C",
    created_by_name text COLLATE "C" NOT NULL,
    CHECK ((key_id IS NULL) = (digest IS NULL))
);

CREATE INDEX vault_secrets_by_id ON vault_secrets (vault_id, id);

ALTER TABLE vaults ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE vault_secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON vaults
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));
CREATE POLICY own ON vault_secrets
    USING ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()))
    WITH CHECK ((SELECT is_system()) OR workspace_id = (SELECT tenant_workspace()));
