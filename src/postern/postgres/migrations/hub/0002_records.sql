-- The archive and what goes with it. Every key begins with the site, so that Citus can distribute by it; no
-- foreign key, trigger or sequence. Partitions are made by the program (records/partitions.py).

CREATE TABLE record (
    site_id int NOT NULL,
    day date NOT NULL,
    agent_id int NOT NULL,
    seq bigint NOT NULL,
    kind smallint NOT NULL,
    tag bytea,
    digest bytea NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, day, agent_id, seq)
) PARTITION BY RANGE (day);
CREATE INDEX record_by_tag ON record (site_id, day, tag) WHERE tag IS NOT NULL;

-- How far each agent has come: answers "which seq do you know" without searching the archive.
CREATE TABLE record_progress (
    site_id int NOT NULL,
    agent_id int NOT NULL,
    highest_seq bigint NOT NULL,
    last_day date NOT NULL,
    PRIMARY KEY (site_id, agent_id)
) WITH (fillfactor = 50);

-- Second rows of a key that is taken, with another digest: kept for whoever finds out why.
CREATE TABLE record_quarantine (
    site_id int NOT NULL,
    day date NOT NULL,
    agent_id int NOT NULL,
    seq bigint NOT NULL,
    digest bytea NOT NULL,
    kind smallint NOT NULL,
    tag bytea,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, day, agent_id, seq, digest)
);

CREATE TABLE alarm (
    site_id int NOT NULL,
    id uuid NOT NULL,
    kind smallint NOT NULL,
    day date NOT NULL,
    agent_id int,
    sealed bytea,
    PRIMARY KEY (site_id, id)
);
CREATE INDEX alarm_by_day ON alarm (site_id, day);

-- Whatever is derived from records: random ids, no time and no subject in clear.
CREATE TABLE projection (
    site_id int NOT NULL,
    kind smallint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, kind, id)
) WITH (fillfactor = 80);
