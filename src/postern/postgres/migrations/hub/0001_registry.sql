-- The registry: organisations, places, people, vehicles, and who may pass where. `sealed` holds one JSON
-- document per row; what is in clear is listed with its reason in docs/clear-columns.yaml.

CREATE TABLE tenant (
    id int PRIMARY KEY,
    epoch int NOT NULL DEFAULT 1,
    sealed bytea NOT NULL
);

CREATE TABLE site (
    id int PRIMARY KEY,
    tenant_id int NOT NULL REFERENCES tenant (id),
    version bigint NOT NULL,
    policy_version bigint NOT NULL DEFAULT 0,
    policy_stale boolean NOT NULL DEFAULT true,
    sealed bytea NOT NULL
);
CREATE INDEX site_of_tenant ON site (tenant_id);

CREATE TABLE area (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

CREATE TABLE door (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

CREATE TABLE access_point (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

CREATE TABLE reader (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

CREATE TABLE person (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE person_index (
    tenant_id int NOT NULL,
    field text NOT NULL,
    tag bytea NOT NULL,
    person_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, field, tag),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person (tenant_id, id)
);
CREATE INDEX person_index_of_person ON person_index (tenant_id, person_id);

CREATE TABLE vehicle (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE vehicle_index (
    tenant_id int NOT NULL,
    field text NOT NULL,
    tag bytea NOT NULL,
    vehicle_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, field, tag),
    FOREIGN KEY (tenant_id, vehicle_id) REFERENCES vehicle (tenant_id, id)
);
CREATE INDEX vehicle_index_of_vehicle ON vehicle_index (tenant_id, vehicle_id);

-- What a person or vehicle may present and where that lets them.
CREATE TABLE holding (
    tenant_id int NOT NULL REFERENCES tenant (id),
    subject_id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, subject_id)
);

CREATE TABLE holding_index (
    tenant_id int NOT NULL,
    field text NOT NULL,
    tag bytea NOT NULL,
    subject_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, field, tag),
    FOREIGN KEY (tenant_id, subject_id) REFERENCES holding (tenant_id, subject_id)
);
CREATE INDEX holding_index_of_subject ON holding_index (tenant_id, subject_id);

-- Face references, sealed under the person's face key.
CREATE TABLE reference (
    tenant_id int NOT NULL,
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    model text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person (tenant_id, id)
);
CREATE INDEX reference_of_person ON reference (tenant_id, person_id);

CREATE TABLE consent (
    tenant_id int NOT NULL,
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, person_id) REFERENCES person (tenant_id, id)
);
CREATE INDEX consent_of_person ON consent (tenant_id, person_id);

CREATE TABLE access_level (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE schedule (
    tenant_id int NOT NULL REFERENCES tenant (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
