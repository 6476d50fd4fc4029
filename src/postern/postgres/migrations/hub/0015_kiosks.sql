-- Kiosks: tablets at a lane, from which a driver calls for help. Their names and doors are sealed.
CREATE TABLE kiosk (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    code_digest bytea CHECK (octet_length(code_digest) = 32),     -- of the one-time code that waits
    code_until timestamptz,
    secret_digest bytea CHECK (octet_length(secret_digest) = 32), -- of what the tablet's cookie says
    call_id uuid,                                                 -- the call for help that waits
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);
CREATE UNIQUE INDEX kiosk_by_code ON kiosk (site_id, code_digest);
CREATE UNIQUE INDEX kiosk_by_secret ON kiosk (site_id, secret_digest);
