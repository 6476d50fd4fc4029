"""Every write and every opening, one use case per file."""
