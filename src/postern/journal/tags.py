"""Whom an entry concerns, as something to search by that tells a thief nothing.

A tag is keyed and made for one entry only: the same person has another one in every entry. A tag that stayed
the same would be a pseudonym beside a precise time, and by the live wall's entries it would join a person's
passages from site to site, which the archive's tags are made to prevent. So a search computes one HMAC for
each entry, which is some twenty times less than opening it.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from uuid import UUID

from postern.sealing.envelope import Key
from postern.sealing.tags import blind_index

PURPOSE = "index/journal_entry.subjects"
TAG_BYTES = 8
"""An accidental match, once in 2^64 entries, only means that one entry more is opened."""
STEP = 4
"""Tags are filled up with random ones to a multiple of this, so that their number tells little."""


def tags_for(key: Key, index: int, subjects: Collection[UUID]) -> bytes:
    """The tags of entry `index`, sorted; none when it concerns nobody."""
    tags = {_tag(key, index, subject) for subject in subjects}
    tags |= {os.urandom(TAG_BYTES) for _ in range(-len(tags) % STEP)}
    return b"".join(sorted(tags))


def is_about(key: Key, index: int, subject: UUID, tags: bytes) -> bool:
    """Whether the tags of entry `index` say that it concerns `subject`."""
    if not tags:
        return False
    wanted = _tag(key, index, subject)
    return any(tags[at : at + TAG_BYTES] == wanted for at in range(0, len(tags), TAG_BYTES))


def _tag(key: Key, index: int, subject: UUID) -> bytes:
    return blind_index(key, f"{index}/{subject}")[:TAG_BYTES]
