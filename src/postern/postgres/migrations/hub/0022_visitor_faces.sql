-- Faces of visitors who consented, sealed under the visit's own face key: they go with it when the visit is over.
CREATE TABLE visit_reference (
    tenant_id int NOT NULL,
    id uuid NOT NULL,
    visit_id uuid NOT NULL,
    model text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, visit_id) REFERENCES visit (tenant_id, id)
);
CREATE INDEX visit_reference_of_visit ON visit_reference (tenant_id, visit_id);
