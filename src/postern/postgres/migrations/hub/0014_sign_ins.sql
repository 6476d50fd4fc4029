-- Where operators signed in from, sign-in through a provider of identities, and requests that nobody decided.

-- An attempt to sign in: how, from where, and what came of it are sealed. No operator: a name that nobody has.
CREATE TABLE sign_in_attempt (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,                               -- of one that succeeded: the login's
    operator_id uuid,
    day date NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES operator (tenant_id, id)
);
CREATE INDEX sign_in_attempt_of_operator ON sign_in_attempt (tenant_id, operator_id);
CREATE INDEX sign_in_attempt_by_day ON sign_in_attempt (tenant_id, day);

-- Who a provider's subject is here. Nobody is found by anything else that a provider says.
CREATE TABLE provider_link (
    tenant_id int NOT NULL,
    operator_id uuid NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, operator_id),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES operator (tenant_id, id)
);
CREATE UNIQUE INDEX provider_link_digest ON provider_link (digest);

-- Ways to the provider and back in progress: SHA-256 of what the browser holds -> what for.
CREATE TABLE provider_ceremony (
    digest bytea PRIMARY KEY,
    wanted text NOT NULL,
    bound bytea,
    good_until timestamptz NOT NULL
);

-- So that counting what waits does not open everything that was ever asked.
ALTER TABLE approval ADD COLUMN waiting boolean NOT NULL DEFAULT true;
CREATE INDEX approval_waiting ON approval (tenant_id) WHERE waiting;
