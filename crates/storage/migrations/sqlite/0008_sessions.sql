-- When a session was last used, to the minute. NULL: only to sign in.
ALTER TABLE sessions ADD COLUMN last_used_at INTEGER;
