-- Who did and who saw what, one gapless run of numbers per tenant. `leaf` is the RFC 6962 leaf hash of the
-- whole entry, so that a Merkle tree, signed checkpoints and witnesses can be built over what is here.

CREATE TABLE journal_entry (
    tenant_id int NOT NULL,
    idx bigint NOT NULL CHECK (idx >= 0),           -- 0, 1, 2, ... without a gap
    at timestamptz NOT NULL,                        -- when it was done; operators' acts are meant to be seen
    actor text NOT NULL CHECK (actor <> ''),        -- an operator's login name, agent:3, job:policy
    act text NOT NULL CHECK (act <> ''),            -- looked, changed, opened-door, ...
    purpose text NOT NULL,                          -- why, as the actor stated it
    case_reference text,                            -- the case in hand, as the actor stated it
    sealed bytea NOT NULL,                          -- whom it concerned and the detail, under the journal key
    leaf bytea NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (tenant_id, idx)
);

-- Append only, also for whoever reaches the database with Postern's own role. A trigger that raises, not a
-- rule that silently does nothing; the table is a tenant's and not a site's, so it is never distributed.
CREATE FUNCTION refuse_to_change_the_journal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER journal_is_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_journal();
