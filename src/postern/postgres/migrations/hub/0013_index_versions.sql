-- Index keys have versions: while they are rotated, rows lie under an old and a new one side by side.

-- Under which version of its index keys a tenant's rows are written, and under which former ones some may
-- still lie. A tenant without a row is at version 1.
CREATE TABLE index_version (
    tenant_id int NOT NULL REFERENCES tenant (id),
    version int NOT NULL,
    formers int[] NOT NULL,
    PRIMARY KEY (tenant_id)
);

ALTER TABLE person_index ADD COLUMN version int NOT NULL DEFAULT 1;
ALTER TABLE vehicle_index ADD COLUMN version int NOT NULL DEFAULT 1;
ALTER TABLE holding_index ADD COLUMN version int NOT NULL DEFAULT 1;
