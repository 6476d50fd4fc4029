-- Which form of a row the hub wrote last, kept where whoever writes in the data's database cannot: a row that is
-- put back as it once was, or written by somebody else, has none here. A form is a digest and tells nothing.

CREATE TABLE row_mark (
    tenant_id int NOT NULL,
    kind text NOT NULL,                         -- the table, or the part of its rows that is written on its own
    id uuid NOT NULL,                           -- the row's random id
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    form bytea NOT NULL CHECK (length(form) = 32),
    seen boolean NOT NULL DEFAULT false,        -- found in the data's database: what was written was committed
    PRIMARY KEY (tenant_id, kind, id, seq)
);

-- One row, once every row there was had been marked: from then on a row without a mark is nobody's.
CREATE TABLE row_marks_kept (
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
