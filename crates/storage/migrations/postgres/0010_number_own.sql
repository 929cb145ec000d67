-- Numbers the change that this connection wrote last, in the usual case: it is committed, alone, and has no number yet.
-- NULL in every other, which `number_changes` knows. A tenant's transaction may ask for its own, hence by the owner, who
-- sees what has to be seen for it. As there, a row is found by its identifier, not by the small index of what has no
-- epoch; the lock is the same, and is held until the number can be seen.
CREATE POLICY asked ON changes FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY numbers ON changes FOR UPDATE TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY asked ON epochs_reserved FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY asked ON numbering_goes_on FOR SELECT TO CURRENT_USER USING (true);

CREATE FUNCTION number_own() RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = keyward, pg_temp SET lock_timeout = '5s' SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan SET enable_mergejoin = off SET enable_hashjoin = off AS $$
DECLARE
    own CONSTANT bigint := currval('change_ids');
    number bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(1266254692, 1);
    UPDATE changes SET epoch = last.epoch + 1
    FROM (SELECT max(c.epoch) AS epoch FROM changes c) AS last, epochs_reserved r
    WHERE id = own AND coalesce(changes.epoch, 0) = 0 AND last.epoch < r.up_to
      AND EXISTS (SELECT 1 FROM numbering_goes_on)
    RETURNING changes.epoch INTO number;
    IF number IS NOT NULL THEN
        -- As there: what a crash takes back was told by nobody above what is reserved.
        PERFORM set_config('synchronous_commit', 'off', true), pg_notify('keyward_changes', number::text);
    END IF;
    RETURN number;
END $$;
