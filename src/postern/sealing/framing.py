"""One unambiguous way to put several byte strings into one: each is preceded by its length.

Without it, table "ab" with column "c" would be the same bytes as table "a" with column "bc".
"""

from __future__ import annotations


def frame(*parts: bytes) -> bytes:
    """Every part after its length in four big-endian bytes; different parts never give equal results."""
    return b"".join([len(part).to_bytes(4) + part for part in parts])
