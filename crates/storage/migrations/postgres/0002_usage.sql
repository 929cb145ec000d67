-- The usage log, a part for each day (UTC): what is forgotten is dropped with its part. n is the order in which entries
-- were written. home_id is that of the key, which never changes.
CREATE TABLE usage_entries (
    n            bigint GENERATED ALWAYS AS IDENTITY,
    key_id       text COLLATE "C" NOT NULL,
    home_id      text COLLATE "C",
    at           bigint NOT NULL,
    code         text COLLATE "C" NOT NULL,
    secret       text COLLATE "C" NOT NULL CHECK (secret IN ('current', 'previous')),
    -- Where it was asked about, as far as it is known.
    workspace_id text COLLATE "C",
    ip           text COLLATE "C",
    user_agent   text COLLATE "C",
    scope        text COLLATE "C",
    method       text COLLATE "C",
    path         text COLLATE "C",
    node         text COLLATE "C" NOT NULL,
    PRIMARY KEY (at, n)
) PARTITION BY RANGE (at);

CREATE INDEX usage_entries_by_key ON usage_entries (key_id, at, n);
CREATE INDEX usage_entries_by_order ON usage_entries (n);

-- How many uses of each outcome a key had in an hour and in a day (UTC), written with the uses themselves.
CREATE TABLE usage_counts (
    key_id   text COLLATE "C" NOT NULL,
    home_id  text COLLATE "C",
    bucket   text COLLATE "C" NOT NULL CHECK (bucket IN ('hour', 'day')),
    began_at bigint NOT NULL,
    code     text COLLATE "C" NOT NULL,
    uses     bigint NOT NULL,
    PRIMARY KEY (key_id, bucket, began_at, code)
);

CREATE INDEX usage_counts_by_time ON usage_counts (bucket, began_at);

-- Who writes uses: up to when all that a node saw is surely written, and whether it ended in order.
CREATE TABLE usage_writers (
    node       text COLLATE "C" PRIMARY KEY,
    up_to      bigint NOT NULL,
    is_stopped boolean NOT NULL
);

-- Times of which some uses may be missing. They are of nodes, and tell nothing of any tenant.
CREATE TABLE usage_gaps (
    n        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node     text COLLATE "C" NOT NULL,
    reason   text COLLATE "C" NOT NULL CHECK (reason IN ('killed', 'dropped')),
    began_at bigint NOT NULL,
    ended_at bigint NOT NULL
);

CREATE INDEX usage_gaps_by_end ON usage_gaps (ended_at);
CREATE INDEX usage_gaps_of_node ON usage_gaps (node, reason, ended_at);

-- The networks that a key was used from, the latest ones of it.
CREATE TABLE key_networks (
    key_id  text COLLATE "C" NOT NULL REFERENCES keys (id),
    home_id text COLLATE "C" NOT NULL,
    network text COLLATE "C" NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (key_id, network)
);

CREATE INDEX key_networks_by_time ON key_networks (key_id, seen_at, network);

-- The network that a key was used from for the first time last, and when that was.
ALTER TABLE key_uses ADD COLUMN network text COLLATE "C", ADD COLUMN network_at bigint;

CREATE INDEX key_uses_by_network ON key_uses (home_id, network_at, key_id) WHERE network_at IS NOT NULL;

ALTER TABLE usage_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_counts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_writers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE usage_gaps ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE key_networks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY own ON usage_entries
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()));
CREATE POLICY own ON usage_counts
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()));
CREATE POLICY own ON key_networks
    USING ((SELECT is_system()) OR home_id = (SELECT tenant_workspace()) OR home_id = (SELECT tenant_person()))
    WITH CHECK ((SELECT is_system()));
CREATE POLICY of_the_system ON usage_writers USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));
CREATE POLICY seen ON usage_gaps
    USING ((SELECT is_system()) OR (SELECT tenant_workspace()) IS NOT NULL OR (SELECT tenant_person()) IS NOT NULL)
    WITH CHECK ((SELECT is_system()));
-- Whoever drops a part looks how much is in it.
CREATE POLICY asked ON usage_entries FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY forgotten ON usage_entries FOR DELETE TO CURRENT_USER USING (true);

-- Two narrow doors for the role of the system, which owns no table and so makes and drops none. Each part has row-level
-- security and no right for anybody: its rows are reached through the whole alone.

-- Makes the parts for these days, given by when they begin. A part that is made aside and attached keeps nobody waiting.
CREATE FUNCTION make_usage_days(begins bigint[]) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = keyward, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    day CONSTANT bigint := 86400000000;
    begin_at bigint;
    part text;
BEGIN
    FOREACH begin_at IN ARRAY begins LOOP
        IF begin_at % day <> 0 THEN
            RAISE EXCEPTION 'no day begins then';
        END IF;
        part := format('usage_entries_%s', replace((begin_at / day)::text, '-', 'm'));
        IF to_regclass(part) IS NULL THEN
            PERFORM pg_advisory_xact_lock(1266254692, 4);
            IF to_regclass(part) IS NULL THEN
                EXECUTE format('CREATE TABLE %I (LIKE usage_entries INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
                EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
                EXECUTE format('CREATE POLICY asked ON %I TO CURRENT_USER USING (true)', part);
                EXECUTE format('REVOKE ALL ON %I FROM PUBLIC', part);
                EXECUTE format('ALTER TABLE usage_entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                               part, begin_at, begin_at + day);
            END IF;
        END IF;
    END LOOP;
END $$;

-- Forgets entries from before a time, the oldest first: whole parts where all of one is older, and else rows, about
-- at_most of them. Tells how many.
CREATE FUNCTION forget_usage(before bigint, at_most bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = keyward, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    part record;
    entries bigint;
    forgotten bigint := 0;
BEGIN
    -- One server at a time; when it ends, however it ends, another has its turn.
    IF NOT pg_try_advisory_xact_lock(1266254692, 5) THEN
        RETURN 0;
    END IF;
    FOR part IN
        SELECT c.relname, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''?(-?[0-9]+)')::bigint AS ends_at
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'usage_entries'::regclass ORDER BY 2
    LOOP
        EXIT WHEN part.ends_at > before;
        EXECUTE format('SELECT count(*) FROM %I', part.relname) INTO entries;
        EXIT WHEN forgotten > 0 AND forgotten + entries > at_most;
        EXECUTE format('DROP TABLE %I', part.relname);
        forgotten := forgotten + entries;
    END LOOP;
    DELETE FROM usage_entries WHERE (at, n) IN
        (SELECT u.at, u.n FROM usage_entries u WHERE u.at < before ORDER BY u.at, u.n
         LIMIT greatest(0, at_most - forgotten));
    GET DIAGNOSTICS entries = ROW_COUNT;
    RETURN forgotten + entries;
END $$;
