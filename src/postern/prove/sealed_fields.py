"""Sealed fields with bits flipped, or moved to other rows, columns and tenants: nothing may open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from postern.errors import CannotOpen
from postern.ids import TenantId
from postern.prove.stored import Field
from postern.sealing.envelope import Context, Key, open_sealed

Open = Callable[[Key, bytes, Context], bytes]


def flipped_that_open(
    found: Sequence[Field], opener: Open, some: Callable[[range], Iterable[int]] = iter
) -> tuple[int, int]:
    """Every bit of every field, or `some`, one at a time: how many were tried, and how many opened."""
    tried = opened = 0
    for one in found:
        assert one.key is not None
        for bit in some(range(len(one.sealed) * 8)):
            changed = bytearray(one.sealed)
            changed[bit // 8] ^= 1 << bit % 8
            tried += 1
            opened += _opens(opener, one.key, bytes(changed), one.context)
    return tried, opened


def moved_that_open(found: Sequence[Field], opener: Open, tenant: TenantId) -> tuple[int, int]:
    """Each field at every other's place and at its own place of another tenant, under either key."""
    tried = opened = 0
    for one in found:
        other = one.context._replace(tenant=tenant + 1)
        assert one.key is not None
        tried += 1
        opened += _opens(opener, one.key, one.sealed, other)
        for place in found:
            if place.context == one.context:
                continue
            for key in {one.key.id: one.key, place.key.id: place.key}.values() if place.key else ():
                tried += 1
                opened += _opens(opener, key, one.sealed, place.context)
    return tried, opened


def _opens(opener: Open, key: Key, sealed: bytes, context: Context) -> bool:
    try:
        opener(key, sealed, context)
    except CannotOpen:
        return False
    return True


def of_no_place(places: Sequence[Context]) -> Open:
    """The mutant: whoever opens does not look where the field lies."""

    def opens_anywhere(key: Key, sealed: bytes, context: Context) -> bytes:
        del context
        for place in places:
            with suppress(CannotOpen):
                return open_sealed(key, sealed, place)
        raise CannotOpen("nowhere")

    return opens_anywhere


def unauthenticated(key: Key, sealed: bytes, context: Context) -> bytes:
    """The mutant that deciphers and looks at nothing."""
    del key, context
    return sealed
