-- Tells a change of the tenant with its number already, in the transaction that makes it: whoever writes while nobody else
-- does needs no second one for it. To be called with COMMIT, in one question, for the lock is held through it, so that the
-- number can be seen before the next is given. Whoever finds it taken does not wait, and tells the change without: several
-- that commit share a write to the disk, which one lock through all their commits would take from them.
--
-- Returns the epoch, or the negative identifier of a change that is still to be numbered. It is the owner's, who sees what
-- has to be seen for it, and asks itself what the policy of the table asks of a tenant.
DROP FUNCTION number_own();
DROP POLICY numbers ON changes;
CREATE POLICY numbered_as_told ON changes FOR INSERT TO CURRENT_USER WITH CHECK (true);

CREATE FUNCTION tell_numbered(told_kind text, subject text, person text) RETURNS bigint LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path = keyward, pg_temp AS $$
DECLARE
    number bigint;
BEGIN
    IF NOT coalesce(CASE told_kind
        WHEN 'key' THEN (SELECT k.home_id FROM keys k WHERE k.id = subject) IN (tenant_workspace(), tenant_person())
        ELSE may_tell(told_kind, subject) END, false)
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'this is not the tenant''s to tell: row-level security';
    END IF;
    IF pg_try_advisory_xact_lock(1266254692, 1) THEN
        INSERT INTO changes (kind, subject_id, user_id, epoch)
        SELECT told_kind, subject, person, last.epoch + 1
        FROM (SELECT max(c.epoch) AS epoch FROM changes c) AS last, epochs_reserved r
        WHERE last.epoch < r.up_to AND EXISTS (SELECT 1 FROM numbering_goes_on)
        RETURNING epoch INTO number;
    END IF;
    IF number IS NULL THEN
        INSERT INTO changes (kind, subject_id, user_id) VALUES (told_kind, subject, person) RETURNING -id INTO number;
    ELSE
        PERFORM pg_notify('keyward_changes', number::text);
    END IF;
    RETURN number;
END $$;

-- As before, with fewer questions: what is known by its identifier was committed a moment ago, and is looked for once, as it
-- is numbered. And whoever only looks (-1 alone) does not wait for somebody who numbers: what has no number was told to nobody,
-- and a commit that waits for a standby must not keep the feed from those who follow it.
CREATE OR REPLACE FUNCTION number_changes(own bigint[]) RETURNS bigint[] LANGUAGE plpgsql VOLATILE
SET search_path = keyward, pg_temp SET lock_timeout = '5s' SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan SET enable_mergejoin = off SET enable_hashjoin = off AS $$
DECLARE
    -- What is numbered above the last, before the next million must be reserved.
    stock CONSTANT bigint := 1000000;
    waiting bigint[] := own;
    base bigint;
    reserved bigint;
    goes_on boolean;
    last bigint;
BEGIN
    IF own && '{0, -1}' THEN
        waiting := ARRAY(SELECT id FROM changes WHERE epoch IS NULL);
        IF waiting <> '{}' AND NOT 0 = ANY (own) AND NOT pg_try_advisory_xact_lock(1266254692, 1) THEN
            waiting := '{}';
        END IF;
    END IF;
    IF waiting <> '{}' THEN
        -- Held until the numbers can be seen: "Kywd" and what it is for.
        PERFORM pg_advisory_xact_lock(1266254692, 1);
        SELECT coalesce((SELECT max(epoch) FROM changes), 0), up_to, EXISTS (SELECT 1 FROM numbering_goes_on)
        INTO base, reserved, goes_on FROM epochs_reserved;
        IF NOT goes_on THEN
            base := greatest(base, reserved);
            reserved := base;
        END IF;
        -- Whoever had the lock before may have numbered some of them.
        WITH numbered AS (
            SELECT id, base + row_number() OVER (ORDER BY id) AS epoch
            FROM changes WHERE id = ANY (waiting) AND coalesce(epoch, 0) = 0
        ), written AS (
            UPDATE changes c SET epoch = n.epoch FROM numbered n WHERE c.id = n.id RETURNING c.epoch
        )
        SELECT max(epoch) INTO last FROM written;
        IF last > reserved THEN
            UPDATE epochs_reserved SET up_to = last + stock;
            PERFORM set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                               ELSE current_setting('synchronous_commit') END, true);
        ELSE
            PERFORM set_config('synchronous_commit', 'off', true);
        END IF;
        IF last IS NOT NULL THEN
            IF NOT goes_on THEN
                INSERT INTO numbering_goes_on VALUES (now());
            END IF;
            -- Wakes those who follow. Whoever does not hear it looks by themselves.
            PERFORM pg_notify('keyward_changes', last::text);
        END IF;
    END IF;
    RETURN ARRAY(SELECT coalesce((SELECT c.epoch FROM changes c WHERE c.id = o.id), (SELECT max(epoch) FROM changes), 0)
                 FROM unnest(own) WITH ORDINALITY AS o (id, place) ORDER BY o.place);
END $$;
