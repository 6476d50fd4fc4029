-- How long records are kept, what each run of the retention ended, erasures with their receipts, and what
-- agents have proved about them.

-- How long a site keeps each kind of record; without a row the defaults hold.
CREATE TABLE retention (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

-- What a run ended: counts by site, day and kind.
CREATE TABLE retention_report (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    day date NOT NULL,                              -- of the run
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX retention_report_by_day ON retention_report (tenant_id, day);

-- Erasures and withdrawals: what there is to do until they are finished, then the receipt.
CREATE TABLE erasure (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    finished boolean NOT NULL DEFAULT false,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX erasure_unfinished ON erasure (tenant_id) WHERE NOT finished;

-- Which agents must prove, and which have proved, that nothing of an erased subject is left with them.
CREATE TABLE erasure_proof (
    site_id int NOT NULL,
    agent_id int NOT NULL,
    tenant_id int NOT NULL,
    erasure_id uuid NOT NULL,
    bundle_key bytea NOT NULL,                      -- the agent's public key that bundles were sealed to before
    policy text,                                    -- the policy in force at the agent when it proved it
    at timestamptz,                                 -- when the proof came
    signature bytea,                                -- the agent's, over its statement
    PRIMARY KEY (site_id, agent_id, erasure_id),
    FOREIGN KEY (site_id, agent_id) REFERENCES agent (site_id, id)
);
CREATE INDEX erasure_proof_of_erasure ON erasure_proof (tenant_id, erasure_id);
