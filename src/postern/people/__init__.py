"""People: the registry of who may be recognised."""
