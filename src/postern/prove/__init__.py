"""`postern prove`: every promise of the threat model attacked, on a throw-away hub of real processes."""
