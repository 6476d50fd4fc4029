"""How many are aboard? Asked of the driver of a vehicle that came in by a lane that asks.

A passage is answered once. The answer tells of the passage and so bears its time: whatever was seen or stated
since counts more, a leaving of which the hub has not yet heard among it, in whatever order it is heard.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from postern.access.model import SubjectKind
from postern.access.presence import Known, Order, Sighting, load_of
from postern.errors import BadInput, Conflict
from postern.ids import AccessPointId

AT_KIOSK = timedelta(minutes=2)
"""How long a kiosk asks: by then the next driver may stand there."""
ON_OWN_PAGE = timedelta(hours=16)
"""How long the driver's own page asks; nobody works longer than that."""
_WRITTEN = re.compile(r"([0-9]{1,9})-([0-9]{1,18})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """Which passage is asked about: the agent that saw it, and its number there."""

    agent: int
    seq: int

    @classmethod
    def of(cls, order: Order) -> Passage:
        """The passage that happened then."""
        return cls(agent=order.agent, seq=order.seq)

    @classmethod
    def read(cls, text: str) -> Passage:
        """As `str` wrote it. Raises BadInput for anything else."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise BadInput("this names no passage; reload the page")
        return cls(agent=int(found[1]), seq=int(found[2]))

    def __str__(self) -> str:
        return f"{self.agent}-{self.seq}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """How many are aboard `vehicle`, the driver too, which came in `at` by the access point `via`?"""

    vehicle: UUID
    passage: Passage
    at: datetime
    via: AccessPointId
    most: int


def question(one: Known, at: datetime, *, within: timedelta = ON_OWN_PAGE) -> Question | None:
    """What is asked about the vehicle; None when nothing is, or nothing any more."""
    asked = _open(one)
    if asked is None or asked.via is None or asked.asks is None or at - asked.order.at > within:
        return None
    return Question(
        vehicle=one.subject,
        passage=Passage.of(asked.order),
        at=asked.order.at,
        via=asked.via,
        most=asked.asks,
    )


def asked_at(known: Iterable[Known], points: Collection[AccessPointId], at: datetime) -> Question | None:
    """What is asked beside a door, which these access points lead through: of the last to come in, of nobody
    else. Whoever came before them has driven on."""
    came = [(one.asked.order, one) for one in known if one.asked is not None and one.asked.via in points]
    if not came:
        return None
    _, last = max(came, key=lambda each: each[0])
    return question(last, at, within=AT_KIOSK)


def answered(
    known: Iterable[Known],
    passage: Passage,
    people: int,
    at: datetime,
    *,
    within: timedelta = ON_OWN_PAGE,
) -> Question:
    """The question that is answered by saying how many `people` are aboard.

    Raises Conflict when it is not asked any more, with the reason; BadInput for a number of nobody.
    """
    one = next(
        (each for each in known if each.asked is not None and Passage.of(each.asked.order) == passage), None
    )
    # 1. It is here, and by that passage.
    if one is None or not _is_here(one):
        raise Conflict("this vehicle has left since, or has come in anew; there is nothing to say of it here")
    # 2. Nobody has told.
    if load_of(one) is not None:
        raise Conflict("how many are aboard was said already; a muster's roll takes corrections")
    # 3. It is not too late.
    found = question(one, at, within=within)
    if found is None:
        raise Conflict("it is too late to say how many are aboard; a muster's roll takes it")
    # 4. So many can be aboard.
    if not 1 <= people <= found.most:
        raise BadInput(f"say how many are aboard, the driver too: 1 to {found.most}")
    return found


def _open(one: Known) -> Sighting | None:
    """The passage about which is asked: the vehicle is here since, and nobody has told of it."""
    return one.asked if _is_here(one) and load_of(one) is None else None


def _is_here(one: Known) -> bool:
    """Whether the vehicle came in by a lane that asks, and has not left since."""
    if one.kind is not SubjectKind.VEHICLE or one.asked is None or one.seen is None or one.seen.outside:
        return False
    return one.left is None or one.left < one.asked.order
