-- Operators of the console. Login names stand in clear, as in the journal; how they prove who they are is sealed.

CREATE TABLE operator (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    login_name text NOT NULL,
    role text NOT NULL,
    language text NOT NULL,
    disabled boolean NOT NULL DEFAULT false,
    version bigint NOT NULL,
    secrets bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX operator_login_name ON operator (login_name);

-- A one-time link that lets one operator set how they sign in; spent by a POST.
CREATE TABLE operator_link (
    tenant_id int NOT NULL,
    digest bytea NOT NULL,
    operator_id uuid NOT NULL,
    good_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, digest),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES operator (tenant_id, id)
);

CREATE TABLE login (
    tenant_id int NOT NULL,
    id uuid NOT NULL,
    digest bytea NOT NULL,
    operator_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES operator (tenant_id, id)
);
CREATE UNIQUE INDEX login_digest ON login (digest);
CREATE INDEX login_of_operator ON login (tenant_id, operator_id);

-- Failed sign-ins by what was tried (hashed), so that a name that does not exist is answered like one that does.
CREATE TABLE sign_in_failure (
    subject bytea PRIMARY KEY,
    failures int NOT NULL,
    last_at timestamptz NOT NULL
);

-- Passkey challenges in progress: SHA-256 of what the browser holds -> the challenge.
CREATE TABLE passkey_challenge (
    digest bytea PRIMARY KEY,
    challenge bytea NOT NULL,
    good_until timestamptz NOT NULL
);
