-- Wrapped keys, in a database of their own: whoever steals the data does not get these, and whoever
-- steals these needs the root key. No column here tells a name, a time or a place.
--
-- Keys that are destroyed one by one lie in small hash partitions, because only a table written anew
-- (VACUUM FULL) is sure to hold no byte of a deleted row: plain VACUUM leaves the bytes of one row in
-- eight in the page's free space. And no statistics of `wrapped`: they would keep samples of it.

CREATE TABLE tenant_key (
    tenant_id int PRIMARY KEY,
    key_id bytea NOT NULL CHECK (length(key_id) = 8),
    wrapped bytea NOT NULL                      -- under the root key
);

CREATE TABLE site (
    site_id int PRIMARY KEY,
    tenant_id int NOT NULL,
    ended_before date                           -- retention is over for earlier days: no key is made for them again
);

CREATE TABLE subject_key (
    tenant_id int NOT NULL,
    subject uuid NOT NULL,                      -- random id of a person, vehicle or visit
    purpose smallint NOT NULL,
    key_id bytea NOT NULL CHECK (length(key_id) = 8),
    wrapped bytea NOT NULL,                     -- under the tenant key
    PRIMARY KEY (tenant_id, subject, purpose)
) PARTITION BY HASH (subject);

CREATE TABLE site_day_key (
    site_id int NOT NULL,
    day date NOT NULL,
    key_id bytea NOT NULL CHECK (length(key_id) = 8),
    wrapped bytea NOT NULL,                     -- under the tenant key
    PRIMARY KEY (site_id, day)
) PARTITION BY HASH (site_id);

DO $$
BEGIN
    FOR part IN 0..31 LOOP
        EXECUTE format(
            'CREATE TABLE subject_key_%s PARTITION OF subject_key FOR VALUES WITH (MODULUS 32, REMAINDER %s)',
            part, part);
        EXECUTE format('ALTER TABLE subject_key_%s ALTER COLUMN wrapped SET STATISTICS 0', part);
    END LOOP;
    FOR part IN 0..7 LOOP
        EXECUTE format(
            'CREATE TABLE site_day_key_%s PARTITION OF site_day_key FOR VALUES WITH (MODULUS 8, REMAINDER %s)',
            part, part);
        EXECUTE format('ALTER TABLE site_day_key_%s ALTER COLUMN wrapped SET STATISTICS 0', part);
    END LOOP;
END $$;

ALTER TABLE subject_key ALTER COLUMN wrapped SET STATISTICS 0;
ALTER TABLE site_day_key ALTER COLUMN wrapped SET STATISTICS 0;

CREATE TABLE signing_key (
    tenant_id int NOT NULL,
    name text NOT NULL,
    wrapped bytea NOT NULL,                     -- Ed25519 private key, under the tenant key
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE hub_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    wrapped bytea NOT NULL                      -- X25519 private key, under the root key
);

CREATE TABLE tombstone (
    tenant_id int NOT NULL,
    key_id bytea NOT NULL,
    day date NOT NULL DEFAULT current_date,
    part text NOT NULL,                         -- the partition that the key lay in
    xid xid NOT NULL DEFAULT pg_current_xact_id()::xid,
    swept boolean NOT NULL DEFAULT false,       -- whether that partition was written anew since
    PRIMARY KEY (tenant_id, key_id)
);
CREATE INDEX tombstone_unswept ON tombstone (part) WHERE NOT swept;
