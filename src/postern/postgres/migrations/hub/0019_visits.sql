-- Visits: everything that is known of one is sealed under its own identity key, the site and the time too, so
-- that no row tells whose visit was where or when.
CREATE TABLE visit (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    link_digest bytea CHECK (octet_length(link_digest) = 32), -- of the secret in the visitor's link
    host_digest bytea CHECK (octet_length(host_digest) = 32), -- of the secret in the host's link
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX visit_by_link ON visit (tenant_id, link_digest);
CREATE UNIQUE INDEX visit_by_host ON visit (tenant_id, host_digest);

-- Letters that wait to be sent, sealed under the visit's identity key: they die with it.
CREATE TABLE visit_letter (
    tenant_id int NOT NULL,
    id uuid NOT NULL,
    visit_id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, visit_id) REFERENCES visit (tenant_id, id)
);
CREATE INDEX visit_letter_of_visit ON visit_letter (tenant_id, visit_id);

-- How a site takes visitors, and the terms that they sign: a changed text is a row of its own.
CREATE TABLE visit_rules (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

CREATE TABLE visit_terms (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);
