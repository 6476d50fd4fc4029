"""Simulated sites: drawn vehicles and people over the real path, from the agent's decision to the books."""
