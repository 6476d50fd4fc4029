"""Keyed look-ups: HMAC-SHA256 that finds equals without telling what they are, to whoever lacks the key.

Labels keep these apart from each other and from sealing under the same key. Callers normalise first.
"""

from __future__ import annotations

from postern.sealing.envelope import Key
from postern.sealing.framing import frame

DAY_TAG_BYTES = 16


def day_tag(site_day: Key, subject: bytes) -> bytes:
    """The 16-byte tag of a subject's id, or of a normalised plate, for one site and UTC day.

    Tags of other days or sites are made under other keys and cannot be joined with it.
    """
    return _keyed(site_day, b"postern/v1|day-tag", subject)[:DAY_TAG_BYTES]


def blind_index(index: Key, value: str) -> bytes:
    """The 32-byte blind index of a normalised value, under the key of its table and column.

    Whoever holds the key can guess plates and ID numbers: keep it out of the database and the web tier.
    """
    return _keyed(index, b"postern/v1|blind-index", value.encode())


def _keyed(key: Key, label: bytes, message: bytes) -> bytes:
    code = key.code.copy()
    code.update(frame(label, message))
    return code.finalize()
