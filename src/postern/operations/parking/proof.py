"""The proof that a car is one's own: which moment of entry, or which picture, among look-alikes, or its
ticket.

A plate alone tells nothing. The question looks the same for a plate that is inside and for one that is not:
as many choices, of the same kind, drawn so that asking again shows the same ones. Only whoever entered knows
the right one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from postern.operations.parking.books import LikelySession
from postern.sealing.envelope import Key
from postern.sealing.tags import blind_index

CHOICES = 6
QUARTER = timedelta(minutes=15)
_BACK = 64
"""Quarters of an hour from which wrong moments are drawn: sixteen hours."""
_TICKET = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One answer. `session` None: nobody's, or not the typed plate's."""

    id: str
    session: UUID | None = None
    moment: datetime | None = None
    picture: bytes | None = None


def quarter_of(at: datetime) -> datetime:
    """The quarter of an hour in which `at` falls."""
    return at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)


def moments(secret: bytes, plate: str, likely: Sequence[LikelySession], at: datetime) -> tuple[Choice, ...]:
    """Moments of entry to choose from, in order. A moment that two likely sessions share proves neither.

    The wrong ones are drawn from fixed quarters of the day by the plate: asked again, they are the same, so
    that the right one does not stand out by staying.
    """
    right: dict[datetime, UUID | None] = {}
    for one in likely[:2]:
        moment = quarter_of(one.entered)
        right[moment] = None if moment in right else one.session
    newest = quarter_of(at)
    past = [newest - QUARTER * back for back in range(_BACK)]
    drawn = sorted(past, key=lambda moment: _rank(secret, plate, moment.isoformat()))
    wrong = [moment for moment in drawn if moment not in right][: CHOICES - len(right)]
    return tuple(
        Choice(id=secrets.token_hex(8), session=right.get(moment), moment=moment)
        for moment in sorted([*right, *wrong])
    )


def pictured(
    secret: bytes, plate: str, likely: Sequence[LikelySession], others: Iterable[LikelySession]
) -> list[LikelySession]:
    """Whose pictures to choose from, as many as can be shown: one's own first, then others by the plate, so
    that asking again shows the same ones."""
    own = [one for one in likely if one.picture is not None][:2]
    known = {one.session for one in likely}
    rest = (one for one in others if one.session not in known and one.picture is not None)
    return [*own, *sorted(rest, key=lambda one: _rank(secret, plate, one.session.hex))]


def shuffled(
    secret: bytes, shown: Iterable[tuple[LikelySession, bytes]]
) -> list[tuple[LikelySession, bytes]]:
    """In an order that tells nothing, and that is the same each time."""
    return sorted(shown, key=lambda one: _rank(secret, "order", one[0].session.hex))


def ticket_code(key: Key, ticket: UUID) -> str:
    """What a kiosk shows to whoever waits at the entry: proves the session that begins then. `key`: purpose
    "ticket"; `ticket`: `Session.ticket`."""
    return base64.b32encode(blind_index(key, ticket.hex)).decode()[:_TICKET]


def matches_ticket(key: Key, ticket: UUID, typed: str) -> bool:
    """Whether the typed code is that ticket's; O and I are taken for the 0 and 1 that it never has."""
    plain = "".join(typed.split()).replace("-", "").upper().replace("0", "O").replace("1", "I")
    return hmac.compare_digest(plain.encode(), ticket_code(key, ticket).encode())


def _rank(secret: bytes, plate: str, thing: str) -> bytes:
    return hmac.digest(secret, f"{plate}\n{thing}".encode(), hashlib.sha256)
