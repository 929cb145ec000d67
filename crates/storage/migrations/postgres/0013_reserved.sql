-- What is reserved is on the disk before a number of it is told, also where the database is set not to wait for its
-- disk: after a crash, numbers go on above it.
CREATE OR REPLACE FUNCTION number_changes(own bigint[]) RETURNS bigint[] LANGUAGE plpgsql VOLATILE
SET search_path = keyward, pg_temp SET lock_timeout = '5s' SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan SET enable_mergejoin = off SET enable_hashjoin = off AS $$
DECLARE
    -- What is numbered above the last, before the next million must be reserved.
    stock CONSTANT bigint := 1000000;
    waiting bigint[];
    base bigint;
    reserved bigint;
BEGIN
    IF 0 = ANY (own) THEN
        waiting := ARRAY(SELECT id FROM changes WHERE epoch IS NULL);
    ELSE
        waiting := ARRAY(SELECT id FROM changes WHERE id = ANY (own) AND coalesce(epoch, 0) = 0);
    END IF;
    IF waiting <> '{}' THEN
        -- Held until the numbers can be seen: "Kywd" and what it is for.
        PERFORM pg_advisory_xact_lock(1266254692, 1);
        SELECT coalesce(max(epoch), 0) INTO base FROM changes;
        SELECT up_to INTO reserved FROM epochs_reserved;
        IF NOT EXISTS (SELECT 1 FROM numbering_goes_on) THEN
            base := greatest(base, reserved);
            reserved := base;
            INSERT INTO numbering_goes_on VALUES (now());
        END IF;
        -- Whoever had the lock before may have numbered some of them.
        WITH numbered AS (
            SELECT id, base + row_number() OVER (ORDER BY id) AS epoch
            FROM changes WHERE id = ANY (waiting) AND coalesce(epoch, 0) = 0
        ), written AS (
            UPDATE changes c SET epoch = n.epoch FROM numbered n WHERE c.id = n.id RETURNING c.epoch
        )
        SELECT coalesce(max(epoch), base) INTO base FROM written;
        IF base > reserved THEN
            UPDATE epochs_reserved SET up_to = base + stock;
            PERFORM set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                               ELSE current_setting('synchronous_commit') END, true);
        ELSE
            PERFORM set_config('synchronous_commit', 'off', true);
        END IF;
        -- Wakes those who follow. Whoever does not hear it looks by themselves.
        PERFORM pg_notify('keyward_changes', base::text);
    END IF;
    RETURN ARRAY(SELECT coalesce((SELECT c.epoch FROM changes c WHERE c.id = o.id), (SELECT max(epoch) FROM changes), 0)
                 FROM unnest(own) WITH ORDINALITY AS o (id, place) ORDER BY o.place);
END $$;
