-- What the two roles may do. Run after the migrations, each time, so that it says all of it: {server} and {system} are
-- the roles, quoted; {system_text} is the name of the second as a text.

CREATE OR REPLACE FUNCTION is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_user = {system_text};

REVOKE ALL ON ALL TABLES IN SCHEMA keyward FROM PUBLIC, {server}, {system};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA keyward FROM PUBLIC, {server}, {system};
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA keyward FROM PUBLIC, {server}, {system};
REVOKE ALL ON SCHEMA keyward FROM PUBLIC, {server}, {system};

GRANT USAGE ON SCHEMA keyward TO {server}, {system};
GRANT EXECUTE ON FUNCTION tenant_workspace(), tenant_person(), is_system(), may_tell(text, text) TO {server}, {system};
GRANT EXECUTE ON FUNCTION keys_with(bigint[], boolean, bigint), known_secrets(bytea[]) TO {server}, {system};
GRANT EXECUTE ON FUNCTION tell_numbered(text, text, text) TO {server};
GRANT EXECUTE ON FUNCTION number_changes(bigint[]), make_usage_days(bigint[]), forget_usage(bigint, bigint) TO {system};
GRANT USAGE ON SEQUENCE change_ids TO {server}, {system};
-- A store that is copied keeps its numbers, and goes on behind them.
GRANT UPDATE ON SEQUENCE usage_entries_n_seq, usage_gaps_n_seq, webhook_deliveries_number_seq TO {system};
GRANT SELECT ON schema_versions TO {server}, {system};

-- The server, for one tenant at a time. It never sees the hash of a password, a session or a kept answer.
GRANT SELECT, UPDATE ON workspaces TO {server};
GRANT SELECT (id, kind, name, email, workspace_id, description, shared, created_at, suspended_at, deleted_at, version)
    ON users TO {server};
GRANT INSERT (id, kind, name, workspace_id, description, shared, created_at, suspended_at, version) ON users TO {server};
GRANT UPDATE (name, description, suspended_at, deleted_at, version) ON users TO {server};
GRANT SELECT, INSERT, UPDATE ON roles TO {server};
-- Whose a row is, and where it hangs, is said once.
GRANT SELECT, INSERT, UPDATE (role, suspended_at), DELETE ON memberships TO {server};
GRANT SELECT, INSERT, UPDATE (owner_id, restricted, name, description, "grant", ends_at, revoked_at, revoked_by_type,
                              revoked_by_id, revoked_by_name, allowed_cidrs, metadata, service_account_id,
                              requests_per_minute, version) ON keys TO {server};
GRANT SELECT, INSERT, UPDATE (which, rotated_at, ends_at) ON key_secrets TO {server};
GRANT SELECT, INSERT, UPDATE (grams) ON key_grams TO {server};
GRANT SELECT, INSERT, UPDATE (place), DELETE ON key_workspaces TO {server};
GRANT SELECT, INSERT ON key_uses TO {server};
GRANT SELECT, INSERT, DELETE ON invitations TO {server};
-- Not their places in the log, nor the numbers of changes and deliveries: a wrong one would stop all that come after.
GRANT SELECT, INSERT (id, home_type, home_id, at, actor_type, actor_id, actor_name, action, target, before, after, ip,
                      user_agent, request_id) ON audit_entries TO {server};
GRANT SELECT ON audit_heads TO {server};
GRANT INSERT (kind, subject_id, user_id) ON changes TO {server};
GRANT SELECT (id, workspace_id, person_id, state), UPDATE (state) ON idempotency TO {server};
GRANT SELECT ON usage_entries, usage_counts, usage_gaps TO {server};
GRANT SELECT, INSERT, UPDATE ON webhooks TO {server};
GRANT SELECT, INSERT (id, webhook_id, workspace_id, event_id, kind, subject, payload, created_at, status, due_at),
      UPDATE (due_at, claim, attempts) ON webhook_deliveries TO {server};
GRANT SELECT, INSERT, UPDATE, DELETE ON vaults TO {server};
GRANT SELECT, INSERT, DELETE ON vault_secrets TO {server};
GRANT SELECT, INSERT, UPDATE (due_at), DELETE ON notices_due TO {server};
GRANT SELECT ON notices, mails TO {server};

-- The work of the system, over all tenants.
GRANT SELECT, INSERT, UPDATE ON workspaces, users, roles, keys, key_secrets, key_uses, key_grams TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON memberships TO {system};
GRANT SELECT, INSERT, UPDATE (place), DELETE ON key_workspaces TO {system};
GRANT SELECT, INSERT, DELETE ON invitations TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON subscriptions, idempotency, sessions TO {system};
GRANT SELECT, INSERT, UPDATE (n, prev, hash) ON audit_entries TO {system};
GRANT SELECT, INSERT, UPDATE ON audit_heads TO {system};
GRANT SELECT, INSERT, UPDATE (epoch) ON changes TO {system};
GRANT SELECT, INSERT, UPDATE (confirmed_at) ON incarnations TO {system};
GRANT SELECT, UPDATE ON epochs_reserved TO {system};
GRANT SELECT, INSERT ON numbering_goes_on TO {system};
GRANT SELECT, INSERT ON usage_entries TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_counts, usage_writers, usage_batches, usage_gaps, key_networks TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON servers, nodes TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON webhooks, webhook_deliveries TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON vaults, vault_secrets TO {system};
GRANT SELECT, INSERT, UPDATE, DELETE ON notices_due, mails TO {system};
GRANT SELECT, INSERT ON notices TO {system};
