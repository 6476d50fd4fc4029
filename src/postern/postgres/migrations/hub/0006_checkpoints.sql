-- The journal's Merkle tree, its signed checkpoints, and what its witnesses made of them.

-- Whom an entry concerns, as keyed tags made for this entry alone: no two entries can be joined by them.
-- NULL in the entries written before. Part of the leaf, so that a tag cannot be taken away unnoticed.
ALTER TABLE journal_entry ADD COLUMN tags bytea CHECK (octet_length(tags) % 8 = 0);

-- Hashes of the perfect subtrees of every eighth level (8, 16, 24); level 0 is journal_entry.leaf.
CREATE TABLE journal_node (
    tenant_id int NOT NULL,
    level smallint NOT NULL CHECK (level > 0 AND level % 8 = 0),
    position bigint NOT NULL CHECK (position >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (tenant_id, level, position)
);

-- C2SP checkpoints as signed: how many entries, under which root.
CREATE TABLE journal_checkpoint (
    tenant_id int NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    at timestamptz NOT NULL,                        -- when it was signed, as the hub's clock had it
    note text NOT NULL,
    PRIMARY KEY (tenant_id, size)
);

-- Signature lines by which witnesses say that they saw a checkpoint, consistent with all they saw before.
CREATE TABLE journal_cosignature (
    tenant_id int NOT NULL,
    size bigint NOT NULL,
    witness text NOT NULL,
    line text NOT NULL,
    PRIMARY KEY (tenant_id, size, witness),
    FOREIGN KEY (tenant_id, size) REFERENCES journal_checkpoint (tenant_id, size)
);

-- The public key of each journal, which auditors and witnesses are given.
CREATE TABLE journal_key (
    tenant_id int PRIMARY KEY,
    name text NOT NULL UNIQUE,                      -- the origin line of its checkpoints
    public text NOT NULL                            -- as a C2SP verifier key
);

CREATE TRIGGER journal_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_journal();
CREATE TRIGGER journal_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_journal();
CREATE TRIGGER journal_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_cosignature
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_journal();
