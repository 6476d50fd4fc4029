"""Postern: access for people and vehicles, with records that only their owner can open."""

__version__ = "0.1.0"
