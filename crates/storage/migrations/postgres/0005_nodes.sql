-- Batches of uses that gateway nodes sent home: of each start of a node the number of the last that was taken, so that one
-- that is sent again counts once.
CREATE TABLE usage_batches (
    writer   text COLLATE "C" PRIMARY KEY,
    number   bigint NOT NULL,
    taken_at bigint NOT NULL
);

CREATE INDEX usage_batches_by_time ON usage_batches (taken_at);

-- Servers on this store, and how often each has said that it lives.
CREATE TABLE servers (
    id   text COLLATE "C" PRIMARY KEY,
    beat bigint NOT NULL
);

-- The nodes that each answers, itself among them, and the last change that each has applied: receipts of all servers count
-- them. Written over and over, so that a page keeps room for it.
CREATE TABLE nodes (
    server  text COLLATE "C" NOT NULL,
    start   text COLLATE "C" NOT NULL,
    name    text COLLATE "C" NOT NULL,
    applied bigint NOT NULL,
    PRIMARY KEY (server, start)
) WITH (fillfactor = 50);

ALTER TABLE usage_batches ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE servers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE nodes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY of_the_system ON usage_batches USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));
CREATE POLICY of_the_system ON servers USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));
CREATE POLICY of_the_system ON nodes USING ((SELECT is_system())) WITH CHECK ((SELECT is_system()));
