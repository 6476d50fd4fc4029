"""Who did and who saw what. No log, no look: the entry is committed before anything sealed is shown."""
