"""The state of a garage's books, and what one happening changes in it.

`fold` is pure: it reads the garage and answers with a `Step`. Whoever keeps a garage applies steps in the
order of the happenings, and can take them back: a late record rewinds the books to where it belongs and folds
anew what came after it. So the books are a function of what happened, whatever the order in which it arrived.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar
from uuid import UUID

from postern.ids import AccessPointId
from postern.parking.cases import Case
from postern.parking.happenings import Seen
from postern.parking.ledger import Movement
from postern.parking.pairing import Inside, PlateRead
from postern.parking.session import Session, Who


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Who stands at a lane, or passed it last.

    `stated` is the plate as a person read it, `session` what it was found to be; `case` waits for the answer.
    """

    seen: Seen
    raw: Who
    stated: Who | None = None
    session: UUID | None = None
    case: UUID | None = None
    cleared: bool = False
    """A person said that it may drive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipted:
    """A payment for which the driver gets a receipt."""

    session: Session
    payment: Seen


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What a happening changes: new values by id (None: nobody stands there any more), and money that moved.

    `put_away`: sessions and cases that have ended for so long that only their own row tells of them.
    """

    sessions: Mapping[UUID, Session] = field(default_factory=dict)
    cases: Mapping[UUID, Case] = field(default_factory=dict)
    standing: Mapping[AccessPointId, Standing | None] = field(default_factory=dict)
    movements: tuple[Movement, ...] = ()
    receipts: tuple[Receipted, ...] = ()
    put_away: tuple[UUID, ...] = ()
    turned: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Undo:
    """What a step replaced; None for what was not there."""

    sessions: Mapping[UUID, Session | None]
    cases: Mapping[UUID, Case | None]
    standing: Mapping[AccessPointId, Standing | None]
    turned: date | None


@dataclass(kw_only=True)
class Garage:
    """What is known now. `turned`: the UTC day that the books have come to; before the first, None."""

    sessions: dict[UUID, Session] = field(default_factory=dict)
    cases: dict[UUID, Case] = field(default_factory=dict)
    standing: dict[AccessPointId, Standing] = field(default_factory=dict)
    turned: date | None = None

    def inside(self, *, without: UUID | None = None) -> list[Inside]:
        """Everybody inside whose plate is known, as pairing wants them."""
        return [
            Inside(session=one.id, read=plate_read(one.who))
            for one in self.sessions.values()
            if one.is_inside and one.who.plate and one.id != without
        ]

    def count_inside(self) -> int:
        """How many are inside."""
        return sum(1 for one in self.sessions.values() if one.is_inside)

    def taken(self) -> dict[UUID, int]:
        """How many bays of each permit are taken."""
        found: dict[UUID, int] = {}
        for one in self.sessions.values():
            if one.is_inside and one.permit is not None:
                found[one.permit] = found.get(one.permit, 0) + 1
        return found

    def apply(self, step: Step) -> Undo:
        """Change it as the step says; what it was before."""
        gone = [*step.sessions, *step.put_away]
        undo = Undo(
            sessions={id: self.sessions.get(id) for id in gone},
            cases={id: self.cases.get(id) for id in [*step.cases, *step.put_away]},
            standing={lane: self.standing.get(lane) for lane in step.standing},
            turned=self.turned,
        )
        self.sessions.update(step.sessions)
        self.cases.update(step.cases)
        for id in step.put_away:
            self.sessions.pop(id, None)
            self.cases.pop(id, None)
        _put(self.standing, step.standing)
        if step.turned is not None:
            self.turned = step.turned
        return undo

    def undo(self, undo: Undo) -> None:
        """Take the step back that gave this, and only the latest one."""
        _put(self.sessions, undo.sessions)
        _put(self.cases, undo.cases)
        _put(self.standing, undo.standing)
        self.turned = undo.turned


def plate_read(who: Who) -> PlateRead:
    """As pairing wants it: what a person stated is certain."""
    return PlateRead(text=who.plate, score=1.0 if who.stated else who.score)


K = TypeVar("K")
V = TypeVar("V")


def _put(into: dict[K, V], values: Mapping[K, V | None]) -> None:
    for key, value in values.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value
