-- Personnel: who works for whom, from when until when. All of it is sealed: under the person's identity key, or
-- for teams and contractors under a key of the organisation.
CREATE TABLE employment (
    tenant_id int NOT NULL,
    person_id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, person_id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person (tenant_id, id)
);

CREATE TABLE team (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE contractor (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
