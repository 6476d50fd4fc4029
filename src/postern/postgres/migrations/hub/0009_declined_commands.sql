-- A site may have several agents, of which one drives the door: who gave a command back is not given it again.
ALTER TABLE command ADD COLUMN declined_by int[] NOT NULL DEFAULT '{}';
