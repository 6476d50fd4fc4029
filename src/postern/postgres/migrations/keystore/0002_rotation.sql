-- Rotation: keys get versions, so that old and new ones stand side by side while a job rewraps what hangs
-- on them. Days are told of keys that belong to a whole tenant only, never of a person's.

ALTER TABLE tenant_key
    ADD COLUMN version int NOT NULL DEFAULT 1,
    ADD COLUMN made date NOT NULL DEFAULT current_date,
    DROP CONSTRAINT tenant_key_pkey,
    ADD PRIMARY KEY (tenant_id, version);

ALTER TABLE signing_key ADD COLUMN made date NOT NULL DEFAULT current_date;

-- What purpose keys of a version derive from. Version 1 has a row from the tenant key's first rotation on:
-- until then it is the tenant key itself.
CREATE TABLE derivation_key (
    tenant_id int NOT NULL,
    version int NOT NULL,
    made date NOT NULL DEFAULT current_date,
    wrapped bytea NOT NULL,                     -- under the tenant key
    PRIMARY KEY (tenant_id, version)
);

-- Which root key wraps now. Whoever makes a key under another one is refused, and looks again.
CREATE TABLE root_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id bytea NOT NULL CHECK (length(id) = 8),
    provider text,                              -- its kind, where known
    since date NOT NULL DEFAULT current_date
);

-- The last rotation of each key; one without an end is under way.
CREATE TABLE rotation (
    kind text NOT NULL CHECK (kind IN ('root', 'tenant', 'index')),
    tenant_id int NOT NULL,                     -- 0 for the root key
    began date NOT NULL DEFAULT current_date,
    ended date,
    xid xid,                                    -- the last change, whose old rows' bytes are swept last
    PRIMARY KEY (kind, tenant_id)
);
