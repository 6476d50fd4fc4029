"""Wrapped keys in a PostgreSQL of their own, and the root keys that unwrap them."""

from postern.keystore.keyring import PostgresKeyring
from postern.keystore.opening import open_keystore

__all__ = ["PostgresKeyring", "open_keystore"]
