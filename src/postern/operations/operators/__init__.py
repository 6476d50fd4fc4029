"""Who signs in, and how: operators, members, API keys."""
