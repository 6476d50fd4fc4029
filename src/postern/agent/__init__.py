"""The program at a site: it watches, decides alone, records, moves doors, and talks with its hub."""
