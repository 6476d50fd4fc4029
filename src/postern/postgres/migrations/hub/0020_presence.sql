-- Who is where is derived from the records (projection kinds 20 and 21). The row of a site is its lock; the
-- version grows whenever somebody changes presence beside the job that derives it.
CREATE TABLE presence_book (
    site_id int NOT NULL REFERENCES site (id),
    version bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (site_id)
) WITH (fillfactor = 50);

-- How far presence has taken in each agent's records: all up to `upto`, but for those `missing`.
CREATE TABLE presence_cursor (
    site_id int NOT NULL REFERENCES presence_book (site_id),
    agent_id int NOT NULL,
    upto bigint NOT NULL,
    missing bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (site_id, agent_id)
) WITH (fillfactor = 50);

-- What is locked down at a site, since when, by whom and why: all of it sealed.
CREATE TABLE lockdown (
    site_id int NOT NULL REFERENCES site (id),
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id)
);

-- The key that opens the roll of names at the site's agents. It is made from the muster code, which is kept nowhere.
CREATE TABLE muster_code (
    site_id int NOT NULL REFERENCES site (id),
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id)
);
