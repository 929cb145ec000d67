-- What bounds the keys of a workspace, as its admins chose: the only networks that keys open it from, as a list in JSON like a
-- key's own, and how many days a key that is made in it lives at most.
ALTER TABLE workspaces ADD COLUMN allowed_cidrs TEXT NOT NULL DEFAULT '[]';
ALTER TABLE workspaces ADD COLUMN key_lifetime_days_max INTEGER;
