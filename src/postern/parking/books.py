"""Keeping a garage's books in memory: fold in order, and rewind for what arrives late.

The trail holds what was folded since the beginning of some day. A happening that belongs before the last ones
rewinds them, is folded, and they are folded anew; `Change` says what has to be written. Nothing here is I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from postern.parking.cases import Case
from postern.parking.fold import fold, turn
from postern.parking.garage import Garage, Receipted, Step, Undo
from postern.parking.happenings import GarageHappening
from postern.parking.ledger import Movement
from postern.parking.rules import Rules
from postern.parking.session import Session

TRAIL_DAYS = 3
"""How much of the past is kept in memory for late records; older ones are read from the archive again."""

Order = tuple[datetime, int, int]
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Folded:
    """One step of the trail: of a happening, or of a day's beginning."""

    order: Order
    happening: GarageHappening | None
    day: date
    step: Step
    undo: Undo


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """How the garage stood at the beginning of a day."""

    day: date
    sessions: tuple[Session, ...]
    cases: tuple[Case, ...]


@dataclass(kw_only=True)
class Change:
    """What taking happenings in has changed. `rewound`: something was folded anew.

    `sessions` and `cases`: their new values, None for what a late record has shown not to be. `posted` are
    movements with the UTC day of their cause, `withdrawn` those that are not in force any more.
    """

    rewound: bool = False
    sessions: dict[UUID, Session | None] = field(default_factory=dict)
    cases: dict[UUID, Case | None] = field(default_factory=dict)
    posted: dict[UUID, tuple[Movement, date]] = field(default_factory=dict)
    withdrawn: set[UUID] = field(default_factory=set)
    receipts: list[Receipted] = field(default_factory=list)
    beginnings: dict[date, Beginning] = field(default_factory=dict)


@dataclass(kw_only=True)
class Books:
    """A garage and how it came to stand as it does."""

    garage: Garage = field(default_factory=Garage)
    trail: list[Folded] = field(default_factory=list)

    @property
    def since(self) -> date | None:
        """The first day of which the trail tells all."""
        return self.trail[0].day if self.trail else self.garage.turned

    def take(self, happenings: Iterable[GarageHappening], today: date | None, rules: Rules) -> Change:
        """Fold these in where they belong; days that have begun by `today` are turned, where it is given.

        Raises ValueError for a happening of before the trail: its days must be read again first.
        """
        fresh = sorted(happenings, key=lambda one: one.order)
        if self.garage.turned is None:
            self.garage.turned = min([one.at.date() for one in fresh], default=today)
        if self.garage.turned is None:
            return Change()
        if fresh and self.since is not None and fresh[0].at.date() < self.since:
            raise ValueError("this belongs to days that are not at hand")
        rewound = self._rewind(fresh[0].order) if fresh else []
        again = [one.happening for one in rewound if one.happening is not None]
        begun = len(self.trail)
        beginnings: dict[date, Beginning] = {}
        for happening in sorted([*fresh, *again], key=lambda one: one.order):
            self._turn_to(happening.at.date(), rules, beginnings)
            self._fold(happening, rules)
        last = max([today or self.garage.turned, *(one.day for one in rewound)])
        self._turn_to(last, rules, beginnings)
        change = _change(rewound, self.trail[begun:], self.garage)
        change.beginnings = beginnings
        return change

    def _rewind(self, order: Order) -> list[Folded]:
        """Take back whatever belongs after `order`; latest first."""
        gone = []
        while self.trail and self.trail[-1].order > order:
            gone.append(self.trail.pop())
            self.garage.undo(gone[-1].undo)
        return gone

    def _fold(self, happening: GarageHappening, rules: Rules) -> None:
        step = fold(self.garage, happening, rules)
        undo = self.garage.apply(step)
        folded = Folded(
            order=happening.order, happening=happening, day=happening.at.date(), step=step, undo=undo
        )
        self.trail.append(folded)

    def _turn_to(self, day: date, rules: Rules, beginnings: dict[date, Beginning]) -> None:
        while self.garage.turned is not None and self.garage.turned < day:
            new = self.garage.turned + _DAY
            step = turn(self.garage, new, rules)
            undo = self.garage.apply(step)
            order = (datetime.combine(new, time(), UTC), -1, 0)
            self.trail.append(Folded(order=order, happening=None, day=new, step=step, undo=undo))
            beginnings[new] = self.beginning(new)

    def beginning(self, day: date) -> Beginning:
        """How it stands, called the beginning of that day."""
        return Beginning(
            day=day, sessions=tuple(self.garage.sessions.values()), cases=tuple(self.garage.cases.values())
        )

    def forget_before(self, day: date) -> None:
        """Let go of the trail of days before that one."""
        kept = next((n for n, one in enumerate(self.trail) if one.day >= day), len(self.trail))
        # Only at a day's beginning: a trail that starts within a day would not tell all of it.
        if kept < len(self.trail) and self.trail[kept].happening is None:
            del self.trail[:kept]


def begun_from(beginning: Beginning) -> Books:
    """Books that stand as they did at the beginning of that day."""
    garage = Garage(
        sessions={one.id: one for one in beginning.sessions},
        cases={one.id: one for one in beginning.cases},
        turned=beginning.day,
    )
    return Books(garage=garage)


def _change(rewound: Sequence[Folded], folded: Sequence[Folded], garage: Garage) -> Change:
    change = Change(rewound=bool(rewound))
    # What was before the first rewound step, for what the new steps leave alone; the earliest counts.
    sessions: dict[UUID, Session | None] = {}
    cases: dict[UUID, Case | None] = {}
    for one in rewound:
        sessions.update({id: one.undo.sessions.get(id) for id in one.step.sessions})
        cases.update({id: one.undo.cases.get(id) for id in one.step.cases})
    for one in folded:
        sessions.update(one.step.sessions)
        cases.update(one.step.cases)
    change.sessions = {id: garage.sessions.get(id, value) for id, value in sessions.items()}
    change.cases = {id: garage.cases.get(id, value) for id, value in cases.items()}
    before, now = _movements(rewound), _movements(folded)
    change.posted = {id: one for id, one in now.items() if id not in before}
    change.withdrawn = before.keys() - now.keys()
    change.receipts = [receipt for one in folded for receipt in one.step.receipts]
    return change


def _movements(folded: Sequence[Folded]) -> Mapping[UUID, tuple[Movement, date]]:
    return {
        movement.id: (movement, one.happening.key.day)
        for one in folded
        if one.happening is not None
        for movement in one.step.movements
    }
