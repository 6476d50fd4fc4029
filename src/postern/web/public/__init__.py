"""The public side: pages for drivers, in a process without databases and keys."""
