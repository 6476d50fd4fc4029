"""Another host takes a hub's backups to itself, where the hub has no say, and keeps them as long as it will.

It adds and never writes over. An object that vanished at the hub soon after it was taken is told: that is
what somebody does who wants no backup to be left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from postern.backup.objects import check_object, stamp
from postern.backup.targets import Folder, Target
from postern.errors import CannotVerify, NotFound

KEYSTORE_KEPT = timedelta(days=34)
"""Bases are made daily: so a destroyed key has left the keystore's backups after 35 days."""

LATELY = timedelta(days=2)
"""The hub's own folder may be emptied of what is older."""

_BASE = re.compile(r"/base/(\d{8}T\d{6}Z)\.([0-9A-F]{16})-[0-9a-f]{8}$")
_PIECE = re.compile(r"/wal/[0-9A-F]{8}\.[0-9A-F]{16}-([0-9A-F]{16})-")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulled:
    """What a round of pulling did. `vanished`: taken here lately, and no longer shown by the hub."""

    taken: int
    refused: tuple[str, ...]
    vanished: tuple[str, ...]
    removed: int


def pull(source: Target, own: Folder, hub: bytes, *, at: datetime, keep: timedelta) -> Pulled:
    """Take every object that is not here yet, if it is signed by `hub`; then let go of what is too old."""
    own.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    here, there = set(own.names()), source.names()
    old = set(expired(sorted(here | set(there)), at=at, keep=keep))
    refused, taken = [], 0
    for name in there:
        if name in here or name in old:
            continue
        try:
            data = source.get(name)
            check_object(name, data, hub)
        except (CannotVerify, NotFound) as fault:
            refused.append(str(fault))
            continue
        own.put(name, data)
        taken += 1
    gone = here & old
    for name in gone:
        (own.path / name).unlink()
    lately = (at - LATELY).timestamp()
    missing = here - gone - set(there)
    return Pulled(
        taken=taken,
        refused=tuple(refused),
        vanished=tuple(sorted(one for one in missing if (own.path / one).stat().st_mtime > lately)),
        removed=len(gone),
    )


def expired(names: Sequence[str], *, at: datetime, keep: timedelta) -> list[str]:
    """What may go: bases older than `keep` (the keystore's: than 34 days at most), and log from before them.

    The newest life keeps its newest base, however old: without it nothing could be restored. An older life
    whose bases have all gone goes as a whole, but never a tombstone.
    """
    lives = sorted({name.partition("/")[0] for name in names})
    gone = []
    for life in lives:
        for chain, longest in (("data", keep), ("keystore", min(keep, KEYSTORE_KEPT))):
            own = [one for one in names if one.startswith(f"{life}/{chain}/") and "/tombstones/" not in one]
            bases = sorted({one.rpartition("/")[0] for one in own if "/base/" in one})
            kept = [one for one in bases if _base(one)[0] >= stamp(at - longest)]
            if not kept and life == lives[-1]:
                kept = bases[-1:]
            gone += [one for one in own if not _is_needed(one, kept)] if bases else []
    return gone


def _is_needed(name: str, kept: Sequence[str]) -> bool:
    if not kept:
        return False
    if "/base/" in name:
        return name.rpartition("/")[0] in kept
    found = _PIECE.search(name)
    return found is None or int(found[1], 16) > _base(kept[0])[1]


def _base(stem: str) -> tuple[str, int]:
    """When a base was made, and from where it needs log. One that says neither is never let go of."""
    found = _BASE.search(stem)
    return (found[1], int(found[2], 16)) if found is not None else ("9", 0)
