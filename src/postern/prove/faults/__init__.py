"""Faults of disk, network, clock and processes, made on purpose and drawn from a seed."""
