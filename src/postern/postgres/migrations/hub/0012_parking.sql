-- Garages: their settings and prices, which concern no person; permits, merchants and receipts, which do and are
-- sealed; the ledger; and how far the books of each site have come.

-- A site that is a garage. The row is also the lock under which its books are written.
CREATE TABLE parking_garage (
    site_id int NOT NULL REFERENCES site (id),
    version bigint NOT NULL,
    bays int NOT NULL CHECK (bays > 0),
    currency text NOT NULL CHECK (octet_length(currency) = 3),
    vehicle_class text NOT NULL,                    -- of whoever drives in
    stale_hours int NOT NULL CHECK (stale_hours > 0),   -- after that, a session without an exit is looked into
    special_days date[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (site_id)
);

-- Every tariff that was ever in force, so that books made anew come out the same.
CREATE TABLE parking_tariff (
    site_id int NOT NULL REFERENCES parking_garage (site_id),
    number int NOT NULL,
    since timestamptz NOT NULL,
    document text NOT NULL,
    PRIMARY KEY (site_id, number)
);

-- Permits and merchants with their validations; `ended` ones stay, for books made anew.
CREATE TABLE parking_permit (
    site_id int NOT NULL REFERENCES parking_garage (site_id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);
CREATE TABLE parking_merchant (
    site_id int NOT NULL REFERENCES parking_garage (site_id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);

-- How far the books have taken in each agent's records: all up to `upto`, but for those `missing`.
CREATE TABLE parking_cursor (
    site_id int NOT NULL,
    agent_id int NOT NULL,
    upto bigint NOT NULL,
    missing bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (site_id, agent_id)
) WITH (fillfactor = 50);

-- Under which agent number the hub itself records at a site, and the last seq that it used.
CREATE TABLE hub_recorder (
    site_id int NOT NULL REFERENCES site (id),
    agent_id int NOT NULL,
    seq bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (site_id)
) WITH (fillfactor = 50);

-- What was noted once and is not noted again, by provider and reference.
CREATE TABLE parking_notice (
    site_id int NOT NULL,
    tag bytea NOT NULL CHECK (octet_length(tag) = 32),
    day date NOT NULL,
    PRIMARY KEY (site_id, tag)
);

-- Double entry: the lines of a movement add up to zero. Nothing is ever changed: odd `nth` take back what the one
-- before it said.
CREATE TABLE ledger (
    site_id int NOT NULL,
    movement uuid NOT NULL,
    nth int NOT NULL,
    line smallint NOT NULL,
    day date NOT NULL,                              -- of the garage's calendar, to which it belongs
    cause_day date NOT NULL,                        -- of the record that it follows from
    booked date NOT NULL,                           -- when it was written
    ledger_account text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, movement, nth, line)
);
CREATE INDEX ledger_by_day ON ledger (site_id, day);
CREATE INDEX ledger_by_cause ON ledger (site_id, cause_day);

-- What was handed to a driver: kept by law, under the vehicle's statutory key where it is registered.
CREATE TABLE parking_receipt (
    site_id int NOT NULL,
    id uuid NOT NULL,
    day date NOT NULL,
    whose bytea NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);
CREATE INDEX parking_receipt_by_day ON parking_receipt (site_id, day);
