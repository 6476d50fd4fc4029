-- Who in the registry an operator is: whoever manages a team sees the hours of their own people. Sealed under the
-- organisation's key of operators; the row goes when the person is erased.
CREATE TABLE operator_person (
    tenant_id int NOT NULL,
    operator_id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (tenant_id, operator_id),
    FOREIGN KEY (tenant_id, operator_id) REFERENCES operator (tenant_id, id)
);
