"""Backups that survive whoever holds the hub: sealed to keys kept elsewhere, added to and never changed."""
