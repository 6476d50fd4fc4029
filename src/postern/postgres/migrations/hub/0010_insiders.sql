-- Against curious insiders: whom each operator opened lately, at which sites they work, what a second person
-- must agree to, alarms for the privacy officer; and keys with which programs ask the API.

-- One row a subject, kept for a day. The tag is made for this operator and day: it joins with nothing.
CREATE TABLE opened_subject (
    tenant_id int NOT NULL REFERENCES tenant (id),
    opened_by text NOT NULL,
    tag bytea NOT NULL CHECK (octet_length(tag) = 16),
    at timestamptz NOT NULL,                        -- when last opened
    looks int NOT NULL,                             -- how often since it was first opened, without a case
    brought_in boolean NOT NULL,                    -- the operator added this subject: on their own desk
    PRIMARY KEY (tenant_id, opened_by, tag)
);

-- Whose live walls are part of an operator's own desk.
CREATE TABLE operator_desk (
    tenant_id int NOT NULL,
    operator_id uuid NOT NULL,
    site_id int NOT NULL REFERENCES site (id),
    PRIMARY KEY (tenant_id, operator_id, site_id),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES operator (tenant_id, id)
);

-- What was asked for, by whom, who agreed, and whether it was used: all sealed.
CREATE TABLE approval (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE insider_alarm (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    day date NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX insider_alarm_by_day ON insider_alarm (tenant_id, day);

CREATE TABLE api_key (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    last_day date NOT NULL,                         -- the last on which it is good
    used_day date,                                  -- the last on which it was used
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX api_key_digest ON api_key (digest);
