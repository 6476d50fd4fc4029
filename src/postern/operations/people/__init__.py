"""People and vehicles: registered, employed, enrolled, let in, revoked; and looked at."""
