-- What the hub's runtime role, which owns nothing, needs of the schema's owner. The policies themselves are
-- put on every table after each migration (postgres/isolation.py), so that no new table can be forgotten.

-- Whose rows this transaction may reach; NULL until it was stated.
CREATE FUNCTION postern_tenant() RETURNS int LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('postern.tenant', true), '')::int $$;

-- The sites of that tenant, as one array, so that a policy looks them up once a statement and not once a row.
CREATE FUNCTION postern_sites() RETURNS int[] LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(array_agg(id), '{}') FROM site WHERE tenant_id = postern_tenant() $$;

-- A number that no site of any tenant has.
CREATE FUNCTION next_site_number() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT coalesce(max(id), 0) + 1 FROM site $$;

-- Partitions belong to the owner. A ready table is attached, which blocks no insert.
CREATE FUNCTION make_record_partition(partition text, first date, ending date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF partition !~ '^record_y\d{4}m\d{2}(w[1-4])?$' THEN
        RAISE EXCEPTION 'no name of a partition' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE record INCLUDING ALL)', partition);
    EXECUTE format('ALTER TABLE record ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                   partition, first, ending);
END $$;

-- Detach and drop one; with `only_empty`, unless it holds a row. Whether it was done.
CREATE FUNCTION drop_record_partition(partition text, only_empty boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    filled boolean;
BEGIN
    IF partition !~ '^record_y\d{4}m\d{2}(w[1-4])?$' THEN
        RAISE EXCEPTION 'no name of a partition' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF only_empty THEN
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', partition) INTO filled;
        IF filled THEN
            RETURN false;
        END IF;
    END IF;
    EXECUTE format('ALTER TABLE record DETACH PARTITION %I', partition);
    EXECUTE format('DROP TABLE %I', partition);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION next_site_number(), make_record_partition(text, date, date),
    drop_record_partition(text, boolean) FROM PUBLIC;
