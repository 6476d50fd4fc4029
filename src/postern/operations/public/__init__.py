"""The counter: what the public process may ask the hub, and nothing else."""
