-- Secrets that people keep here to be shown again. They are sealed with a key that is not in the store.
CREATE TABLE vaults (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    workspace_id    BLOB    NOT NULL REFERENCES workspaces (id),
    name            TEXT    NOT NULL,
    -- The name in lower case: two vaults of a workspace do not differ in that alone.
    folded_name     TEXT    NOT NULL,
    description     TEXT,
    created_at      INTEGER NOT NULL,
    created_by_type TEXT    NOT NULL,
    created_by_id   BLOB,
    created_by_name TEXT    NOT NULL,
    version         INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX vault_names ON vaults (workspace_id, folded_name);
CREATE INDEX vaults_by_id ON vaults (workspace_id, id);

CREATE TABLE vault_secrets (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    vault_id        BLOB    NOT NULL REFERENCES vaults (id),
    workspace_id    BLOB    NOT NULL REFERENCES workspaces (id),
    name            TEXT    NOT NULL,
    sealed          BLOB    NOT NULL,
    -- Where it is the secret of a key of the workspace: which key's, and which of its secrets. The digest of any other
    -- secret is not kept, since a short one could be guessed from it.
    key_id          BLOB    REFERENCES keys (id),
    digest          BLOB    CHECK (length(digest) = 32),
    created_at      INTEGER NOT NULL,
    created_by_type TEXT    NOT NULL,
    created_by_id   BLOB,
    created_by_name TEXT    NOT NULL,
    CHECK ((key_id IS NULL) = (digest IS NULL))
) STRICT;

CREATE INDEX vault_secrets_by_id ON vault_secrets (vault_id, id);
