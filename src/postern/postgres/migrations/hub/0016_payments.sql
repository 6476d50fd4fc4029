-- Payments that drivers were asked for, and links to pay afterwards. Which session, when, and what the provider
-- calls them is sealed; no row says whose vehicle it was about.
CREATE TABLE payment_attempt (
    site_id int NOT NULL REFERENCES site (id),
    id uuid NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('asked', 'paid', 'expired', 'wrong')),
    provider text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    session_tag bytea NOT NULL CHECK (octet_length(session_tag) = 32),
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, id)
);
CREATE INDEX payment_attempt_open ON payment_attempt (site_id) WHERE state = 'asked';
CREATE INDEX payment_attempt_by_session ON payment_attempt (site_id, session_tag);

-- The secret of a link is kept as its SHA-256; it opens one session's quote.
CREATE TABLE payment_link (
    site_id int NOT NULL REFERENCES site (id),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    sealed bytea NOT NULL,
    PRIMARY KEY (site_id, digest)
);
