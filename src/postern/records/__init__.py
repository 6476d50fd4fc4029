"""The sealed archive: one row shape for everything that happened, and one for what is derived from it."""
