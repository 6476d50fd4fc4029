-- Agents: an agent_id is new at every enrolment and never reused, so the number only grows.

CREATE TABLE agent (
    site_id int NOT NULL REFERENCES site (id),
    id int NOT NULL,
    sign_public bytea NOT NULL,
    hpke_public bytea NOT NULL,
    retired boolean NOT NULL DEFAULT false,
    renewed_as int,
    PRIMARY KEY (site_id, id)
);
CREATE INDEX agent_by_id ON agent (id);

-- The next agent_id of the whole hub; one row, updated under its own lock.
CREATE TABLE agent_counter (
    one int PRIMARY KEY CHECK (one = 1),
    last int NOT NULL
);
INSERT INTO agent_counter VALUES (1, 0);

-- One-time codes that let a new agent enrol; spent by being deleted.
CREATE TABLE enrolment_code (
    site_id int NOT NULL REFERENCES site (id),
    digest bytea NOT NULL,
    good_until timestamptz NOT NULL,
    PRIMARY KEY (site_id, digest)
);

-- Nonces of signed requests seen within the time window, so that none passes twice.
CREATE TABLE agent_nonce (
    site_id int NOT NULL,
    agent_id int NOT NULL,
    nonce bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, agent_id, nonce)
);
CREATE INDEX agent_nonce_by_time ON agent_nonce (site_id, seen_at);

-- The policy bundle waiting for each agent: sealed to it, signed by the tenant.
CREATE TABLE bundle (
    site_id int NOT NULL,
    agent_id int NOT NULL,
    epoch int NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    signature bytea NOT NULL,
    PRIMARY KEY (site_id, agent_id),
    FOREIGN KEY (site_id, agent_id) REFERENCES agent (site_id, id)
);

-- Commands to agents (open a door), until their outcome is back.
CREATE TABLE command (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    good_until timestamptz NOT NULL,
    taken_by int,
    outcome text,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);
