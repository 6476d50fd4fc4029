-- The person themself: how they sign in at /me, what they ask for; the privacy desk's own documents, and which
-- jurisdiction's rules hold at a site. No person stands beside a time: when a link or a login ends is sealed.

-- How a person proves who they are. `name` is random letters to sign in with; it tells nothing.
CREATE TABLE member (
    tenant_id int NOT NULL,
    person_id uuid NOT NULL,
    name text NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, person_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person (tenant_id, id)
);
CREATE UNIQUE INDEX member_name ON member (name);

-- One-time links by the SHA-256 of their secret; spent by a POST.
CREATE TABLE member_link (
    tenant_id int NOT NULL,
    id uuid NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    person_id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person (tenant_id, id)
);
CREATE UNIQUE INDEX member_link_digest ON member_link (digest);

CREATE TABLE member_login (
    tenant_id int NOT NULL,
    id uuid NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    person_id uuid NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person (tenant_id, id)
);
CREATE UNIQUE INDEX member_login_digest ON member_login (digest);

-- What a person asked for: to put something right, to be erased.
CREATE TABLE member_request (
    tenant_id int NOT NULL,
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    version bigint NOT NULL,
    waiting boolean NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person (tenant_id, id)
);
CREATE INDEX member_request_waiting ON member_request (tenant_id) WHERE waiting;

-- Which jurisdiction's rules hold at a site; without a row, its country's.
CREATE TABLE site_profile (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

-- Wordings of consent, legal bases, requests by authorities, what a filing says.
CREATE TABLE privacy_document (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
