-- Hours: where a site's people punch, their rosters, how far its books of punches have come, and timesheets of
-- closed periods. Months that are open are projections.

-- A site at which hours are kept. The row is also the lock under which its books are written.
CREATE TABLE attendance_site (
    site_id int NOT NULL REFERENCES site (id),
    version bigint NOT NULL,
    sealed bytea NOT NULL,                          -- pay rules, rounding, grace
    PRIMARY KEY (site_id)
);

-- Access points whose passages are punches, and which way.
CREATE TABLE attendance_point (
    site_id int NOT NULL REFERENCES attendance_site (site_id),
    access_point uuid NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out', 'either')),
    PRIMARY KEY (site_id, access_point)
);

CREATE TABLE attendance_roster (
    site_id int NOT NULL REFERENCES attendance_site (site_id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

-- By which roster each person works since when, under their identity key.
CREATE TABLE attendance_assignment (
    tenant_id int NOT NULL REFERENCES tenant (id),
    person_id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, person_id)
);

-- How far the books have taken in each agent's records: all up to `upto`, but for those `missing`.
CREATE TABLE attendance_cursor (
    site_id int NOT NULL,
    agent_id int NOT NULL,
    upto bigint NOT NULL,
    missing bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (site_id, agent_id)
) WITH (fillfactor = 50);

-- Periods as they were closed or opened again; nothing here is ever changed.
CREATE TABLE attendance_period (
    site_id int NOT NULL REFERENCES attendance_site (site_id),
    number int NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, number)
);

-- A person's hours of a closed period, under their statutory key; kept by law, and so never changed.
CREATE TABLE attendance_closed (
    site_id int NOT NULL REFERENCES attendance_site (site_id),
    id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);
