-- A row belongs to whoever its parent belongs to. A policy looks at whose a row says it is, and a reference at whether
-- its parent is there, past every policy: together they let a tenant's statement hang a row of its own on somebody
-- else's key, webhook or vault. Now a parent is found only at home.
--
-- What is slow comes first, and lets others read meanwhile. Old references go at the end, in a moment. Rows that are there
-- already are not looked at once more (NOT VALID): the program saw to their homes, and the owner of the tables does not see
-- them. Those that are written from now on are.
CREATE UNIQUE INDEX key_homes ON keys (id, home_id);
CREATE UNIQUE INDEX account_homes ON users (id, workspace_id);
CREATE UNIQUE INDEX webhook_homes ON webhooks (id, workspace_id);
CREATE UNIQUE INDEX vault_homes ON vaults (id, workspace_id);

ALTER TABLE keys ADD CONSTRAINT key_acts_at_home
    FOREIGN KEY (service_account_id, workspace_id) REFERENCES users (id, workspace_id) NOT VALID;
ALTER TABLE key_secrets ADD CONSTRAINT secret_of_home FOREIGN KEY (key_id, home_id) REFERENCES keys (id, home_id) NOT VALID;
ALTER TABLE key_grams ADD CONSTRAINT grams_of_home FOREIGN KEY (key_id, home_id) REFERENCES keys (id, home_id) NOT VALID;
ALTER TABLE key_uses ADD CONSTRAINT uses_of_home FOREIGN KEY (key_id, home_id) REFERENCES keys (id, home_id) NOT VALID;
ALTER TABLE key_workspaces ADD CONSTRAINT restriction_of_home
    FOREIGN KEY (key_id, home_id) REFERENCES keys (id, home_id) NOT VALID;
ALTER TABLE notices_due ADD CONSTRAINT notice_of_home FOREIGN KEY (key_id, home_id) REFERENCES keys (id, home_id) NOT VALID;
ALTER TABLE webhook_deliveries ADD CONSTRAINT delivery_of_home
    FOREIGN KEY (webhook_id, workspace_id) REFERENCES webhooks (id, workspace_id) NOT VALID;
ALTER TABLE vault_secrets ADD CONSTRAINT kept_at_home
    FOREIGN KEY (vault_id, workspace_id) REFERENCES vaults (id, workspace_id) NOT VALID;
ALTER TABLE vault_secrets ADD CONSTRAINT kept_of_home
    FOREIGN KEY (key_id, workspace_id) REFERENCES keys (id, home_id) NOT VALID;

ALTER TABLE keys DROP CONSTRAINT keys_service_account_id_fkey;
ALTER TABLE key_secrets DROP CONSTRAINT key_secrets_key_id_fkey;
ALTER TABLE key_grams DROP CONSTRAINT key_grams_key_id_fkey;
ALTER TABLE key_uses DROP CONSTRAINT key_uses_key_id_fkey;
ALTER TABLE key_workspaces DROP CONSTRAINT key_workspaces_key_id_fkey;
ALTER TABLE notices_due DROP CONSTRAINT notices_due_key_id_fkey;
ALTER TABLE webhook_deliveries DROP CONSTRAINT webhook_deliveries_webhook_id_fkey;
ALTER TABLE vault_secrets DROP CONSTRAINT vault_secrets_vault_id_fkey;
ALTER TABLE vault_secrets DROP CONSTRAINT vault_secrets_key_id_fkey;

-- Members are seen with their addresses, and the workspaces of a restriction with their names: neither is for whoever
-- writes a row. People are let in by the system, which asks their invitation; a key is restricted to workspaces that its
-- owner is in.
ALTER POLICY made ON memberships WITH CHECK (is_system() OR (workspace_id = tenant_workspace() AND role = ''));
DROP POLICY own ON key_workspaces;
CREATE POLICY seen ON key_workspaces FOR SELECT USING ((SELECT is_system()) OR home_id = (SELECT tenant_person()));
CREATE POLICY made ON key_workspaces FOR INSERT WITH CHECK (
    is_system() OR (home_id = tenant_person() AND EXISTS (SELECT 1 FROM memberships m
        WHERE m.workspace_id = key_workspaces.workspace_id AND m.user_id = tenant_person())));
CREATE POLICY moved ON key_workspaces FOR UPDATE
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_person()));
CREATE POLICY ended ON key_workspaces FOR DELETE USING ((SELECT is_system()) OR home_id = (SELECT tenant_person()));
