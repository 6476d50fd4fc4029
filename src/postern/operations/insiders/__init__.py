"""Against those who look too much: second persons, budgets, bait, alarms, refusals."""
