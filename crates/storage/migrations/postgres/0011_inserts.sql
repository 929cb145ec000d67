-- A row that is written is checked where it stands: a statement that inserts one row took longer to prepare three
-- questions beside it than to write it. What is read goes on asking once for all rows.
DROP POLICY own ON keys;
CREATE POLICY seen ON keys FOR SELECT
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY made ON keys FOR INSERT
    WITH CHECK (is_system() OR home_id = tenant_workspace() OR home_id = tenant_person());
CREATE POLICY edited ON keys FOR UPDATE
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));

DROP POLICY own ON key_grams;
CREATE POLICY seen ON key_grams FOR SELECT
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY made ON key_grams FOR INSERT
    WITH CHECK (is_system() OR home_id = tenant_workspace() OR home_id = tenant_person());
CREATE POLICY edited ON key_grams FOR UPDATE
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));

DROP POLICY own ON key_secrets;
CREATE POLICY seen ON key_secrets FOR SELECT
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY made ON key_secrets FOR INSERT
    WITH CHECK (is_system() OR home_id = tenant_workspace() OR home_id = tenant_person());
CREATE POLICY edited ON key_secrets FOR UPDATE
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));

DROP POLICY own ON key_uses;
CREATE POLICY seen ON key_uses FOR SELECT
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY made ON key_uses FOR INSERT
    WITH CHECK (is_system() OR home_id = tenant_workspace() OR home_id = tenant_person());
CREATE POLICY edited ON key_uses FOR UPDATE
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));

DROP POLICY own ON notices_due;
CREATE POLICY seen ON notices_due FOR SELECT
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY made ON notices_due FOR INSERT
    WITH CHECK (is_system() OR home_id = tenant_workspace() OR home_id = tenant_person());
CREATE POLICY edited ON notices_due FOR UPDATE
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY ended ON notices_due FOR DELETE
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));

DROP POLICY own ON audit_entries;
CREATE POLICY seen ON audit_entries FOR SELECT
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()));
CREATE POLICY made ON audit_entries FOR INSERT
    WITH CHECK (is_system() OR home_id = tenant_workspace() OR home_id = tenant_person());
CREATE POLICY linked ON audit_entries FOR UPDATE
    USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));

ALTER POLICY made ON users WITH CHECK (is_system() OR workspace_id = tenant_workspace());
ALTER POLICY made ON memberships WITH CHECK (is_system() OR workspace_id = tenant_workspace());
ALTER POLICY told ON changes WITH CHECK (
    is_system() OR (epoch IS NULL AND CASE kind
        WHEN 'key' THEN (SELECT k.home_id FROM keys k WHERE k.id = changes.subject_id)
            IN (tenant_workspace(), tenant_person())
        ELSE may_tell(kind, subject_id) END));
