"""Who is inside: presence derived from records, musters, occupancy, lockdown."""
