-- How much longer than a lease nodes go on deciding about the keys of a workspace, and a longer time that was chosen before,
-- until no node goes by it any more.
ALTER TABLE workspaces ADD COLUMN grace_seconds bigint NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN earlier_grace_seconds bigint;
ALTER TABLE workspaces ADD COLUMN earlier_grace_until bigint;
