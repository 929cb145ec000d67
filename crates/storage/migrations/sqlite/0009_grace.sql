-- How much longer than a lease nodes go on deciding about the keys of a workspace, and a longer time that was chosen before,
-- until no node goes by it any more.
ALTER TABLE workspaces ADD COLUMN grace_seconds INTEGER NOT NULL DEFAULT 0;
ALTER TABLE workspaces ADD COLUMN earlier_grace_seconds INTEGER;
ALTER TABLE workspaces ADD COLUMN earlier_grace_until INTEGER;
