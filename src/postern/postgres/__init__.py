"""PostgreSQL: our own supervisor for the embedded one, connections, transactions and migrations."""
