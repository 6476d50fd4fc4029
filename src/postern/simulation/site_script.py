"""Who works at the simulated site, when they walk, and what they forget, drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

from postern.access.model import DaySpan
from postern.attendance.model import Direction
from postern.attendance.roster import BreakPattern, Roster, ShiftPattern, WeeklyShift
from postern.simulation.barrier import Passing

FIRST = date(2026, 3, 2)
TIME_ZONE = "Europe/Berlin"
DOORS = 4
_TRIES_AGAIN_AFTER = timedelta(seconds=90)


class Turn(StrEnum):
    """By which shift somebody works."""

    OFFICE = "office"
    EARLY = "early"
    NIGHT = "night"
    SPLIT = "split"


@dataclass(frozen=True, kw_only=True, slots=True)
class Shifts:
    """One turn: its weekdays (Monday is 0), and the hours worked, from midnight; over 24: on the next day.

    `together`: they are one shift with a break; else each is a shift of its own.
    """

    weekdays: frozenset[int]
    worked: tuple[tuple[float, float], ...]
    together: bool = True


TURNS = {
    Turn.OFFICE: Shifts(weekdays=frozenset(range(5)), worked=((8, 12), (12.5, 16.5))),
    Turn.EARLY: Shifts(weekdays=frozenset(range(6)), worked=((6, 14),)),
    Turn.NIGHT: Shifts(weekdays=frozenset({6, 0, 1, 2, 3}), worked=((22, 26), (26.5, 30))),
    Turn.SPLIT: Shifts(weekdays=frozenset(range(1, 6)), worked=((10, 14), (17, 21)), together=False),
}
_SHARES = (0.6, 0.15, 0.15, 0.1)
"""Of the turns, in their order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who comes to work. `welcome`: the cards of those who are not were revoked.

    `leaves_at`: the employment ends then, at that minute.
    """

    card: str
    turn: Turn
    welcome: bool = True
    leaves_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    """One try at one door, or a punch by phone (`door` None). `expected`: whether the door has to open.

    `stretch`: the number of the work that it begins, or with `out` ends. `unseen`: through a door that a
    colleague holds open, so that no reader sees it; on the way in or out of work it is a forgotten punch.
    `visit`: a visitor's number, who presents the code of the invitation instead of a card.
    """

    at: datetime
    door: int | None
    out: bool
    card: str
    passing: Passing = Passing.GOES_THROUGH
    expected: bool = True
    stretch: int | None = None
    unseen: bool = False
    visit: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """A stretch of work of a person, counted on `day`: what the site has to find out from walks alone."""

    person: int
    day: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Invitation:
    """Somebody is invited for that day by a person, from `start` to `end`; not all of them come."""

    day: date
    host: int
    start: datetime
    end: datetime
    comes: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteScript:
    """Everything that will happen. Power cuts and cuts of the line are (start, end).

    `absent`: (person, day) on which a shift was planned and nobody came. Visits have the numbers of their
    invitations.
    """

    start: datetime
    days: int
    people: tuple[Person, ...]
    walks: tuple[Walk, ...]
    work: tuple[Work, ...]
    absent: frozenset[tuple[int, date]]
    invitations: tuple[Invitation, ...]
    power_cuts: tuple[tuple[datetime, datetime], ...]
    line_cuts: tuple[tuple[datetime, datetime], ...]


def site_script(*, seed: int, days: int, people: int = 60) -> SiteScript:
    """The same for the same arguments."""
    return _Drawing(seed, days, people).script()


def roster_of(turn: Turn) -> Roster:
    """The roster that the site keeps for those who work by that turn."""
    shifts = TURNS[turn]
    spans = [(worked[0], worked[1]) for worked in shifts.worked]
    whole = [(spans[0][0], spans[-1][1])] if shifts.together else spans
    breaks = [(one[1], other[0]) for one, other in pairwise(spans)] if shifts.together else []
    return Roster(
        follows_calendar=False,
        weekly=tuple(
            WeeklyShift(
                weekdays=shifts.weekdays,
                pattern=ShiftPattern(
                    name=turn.value.capitalize(),
                    hours=_span(*span),
                    breaks=tuple(BreakPattern(hours=_span(*one)) for one in breaks),
                ),
            )
            for span in whole
        ),
    )


def _span(start: float, end: float) -> DaySpan:
    return DaySpan(start=_wall(start), end=_wall(end))


def _wall(hour: float) -> time:
    return time(int(hour) % 24, round(hour % 1 * 60))


def moment(day: date, hour: float = 0) -> datetime:
    """So many hours after the day's midnight by the site's wall clock."""
    midnight = datetime.combine(day, time(0), tzinfo=ZoneInfo(TIME_ZONE))
    return (midnight + timedelta(hours=hour)).astimezone(UTC)


class _Drawing:
    def __init__(self, seed: int, days: int, people: int) -> None:
        self._draw = Random(f"site/{seed}")  # noqa: S311 - a simulation, not a secret
        self._days = [FIRST + timedelta(days=number) for number in range(days)]
        self._people = [self._person() for _ in range(people)]
        self._work: list[Work] = []
        self._absent: set[tuple[int, date]] = set()
        self._invitations: list[Invitation] = []

    def script(self) -> SiteScript:
        draw = self._draw
        walks: list[Walk] = []
        power, line = [], []
        for day in self._days:
            for number in range(len(self._people)):
                walks += self._day(number, day)
            walks += [self._stranger(day) for _ in range(draw.randrange(4))]
            for _ in range(draw.randrange(1, 6) if day.weekday() < 5 else 0):
                walks += self._visit(day)
            if draw.random() < 0.4:
                power.append(self._cut(day, 2, 6))
            if draw.random() < 0.4:
                line.append(self._cut(day, 20, 120))
        return SiteScript(
            start=moment(FIRST),
            days=len(self._days),
            people=tuple(self._people),
            walks=tuple(sorted(walks, key=lambda one: (one.at, one.card, one.out))),
            work=tuple(self._work),
            absent=frozenset(self._absent),
            invitations=tuple(self._invitations),
            power_cuts=tuple(power),
            line_cuts=tuple(line),
        )

    def _person(self) -> Person:
        draw = self._draw
        turn, leaves = draw.choices(list(Turn), _SHARES)[0], None
        if turn is Turn.OFFICE and draw.random() < 0.08 and len(self._days) > 1:
            leaves = moment(draw.choice(self._days[1:]), draw.choice((11, 12, 15)))
        return Person(
            card=f"{draw.getrandbits(32):08X}",
            turn=turn,
            welcome=leaves is not None or draw.random() > 0.05,
            leaves_at=leaves,
        )

    def _day(self, number: int, day: date) -> Iterator[Walk]:
        person, draw = self._people[number], self._draw
        planned = day.weekday() in TURNS[person.turn].weekdays
        if person.leaves_at is not None and person.leaves_at <= moment(day, 24):
            yield from self._leaves(number, day)
            return
        comes = draw.random() < (0.93 if planned else 0.03)
        if not person.welcome:
            if comes:
                at = moment(day, draw.uniform(6, 18))
                yield Walk(at=at, door=self._door(), out=False, card=person.card, expected=False)
        elif not comes and planned:
            self._absent.add((number, day))
        elif comes and (planned or person.turn is Turn.OFFICE):
            yield from self._works(number, day)

    def _works(self, number: int, day: date) -> Iterator[Walk]:
        """In and out for each stretch; now and then one end of the day is forgotten, or it is by phone."""
        person, draw = self._people[number], self._draw
        spans = TURNS[person.turn].worked
        by_phone = person.turn is Turn.OFFICE and draw.random() < 0.08
        forgets = draw.choice(list(Direction)[:2]) if draw.random() < 0.03 and not by_phone else None
        for place, (start, end) in enumerate(spans):
            stretch = self._begun(number, day)
            first, last = place == 0, place == len(spans) - 1
            came = moment(day, start + draw.triangular(-0.3, 0.25, -0.1) * (1 if first else 0.3))
            went = moment(day, end + draw.triangular(-0.2, 1.2, 0.1) * (1 if last else 0.1))
            yield from self._walks(came, stretch, by_phone=by_phone, forgot=first and forgets is Direction.IN)
            yield from self._walks(
                went, stretch, out=True, by_phone=by_phone, forgot=last and forgets is Direction.OUT
            )

    def _walks(
        self, at: datetime, stretch: int, *, by_phone: bool, forgot: bool, out: bool = False
    ) -> Iterator[Walk]:
        card = self._people[self._work[stretch].person].card
        door = None if by_phone else self._door()
        if door is not None and not forgot and self._draw.random() < 0.01:
            yield Walk(at=at, door=door, out=out, card=card, passing=Passing.TURNS_BACK)
            at += _TRIES_AGAIN_AFTER
        yield Walk(at=at, door=door, out=out, card=card, stretch=stretch, unseen=forgot)

    def _leaves(self, number: int, day: date) -> Iterator[Walk]:
        """The last day: in before the minute, out after it, and in vain back again. Later in vain, too."""
        person, draw = self._people[number], self._draw
        ends = person.leaves_at
        if ends is None:
            return
        if moment(day) <= ends:
            stretch = self._begun(number, day)
            came, went = ends - timedelta(hours=draw.uniform(1, 3)), ends + timedelta(minutes=20)
            yield from self._walks(came, stretch, by_phone=False, forgot=False)
            yield from self._walks(went, stretch, out=True, by_phone=False, forgot=False)
            again = went + timedelta(minutes=draw.uniform(20, 90))
        elif draw.random() < 0.1:
            again = moment(day, draw.uniform(8, 18))
        else:
            return
        yield Walk(at=again, door=self._door(), out=False, card=person.card, expected=False)

    def _begun(self, number: int, day: date) -> int:
        self._work.append(Work(person=number, day=day))
        return len(self._work) - 1

    def _stranger(self, day: date) -> Walk:
        at = moment(day, 9 + self._draw.uniform(0, 8))
        return Walk(at=at, door=self._door(), out=False, card="FFFFFFFF", expected=False)

    def _visit(self, day: date) -> Iterator[Walk]:
        """In and out in the time of the invitation; now and then too early, or once more when it is over."""
        draw, number = self._draw, len(self._invitations)
        start = moment(day, draw.uniform(9, 15))
        length = timedelta(hours=draw.uniform(0.5, 3))
        one = Invitation(
            day=day,
            host=draw.randrange(len(self._people)),
            start=start,
            end=start + length + timedelta(hours=2),
            comes=draw.random() < 0.9,
        )
        self._invitations.append(one)
        came = start + timedelta(minutes=draw.uniform(1, 40))
        tries = [(came, False, True), (came + length, True, True)] if one.comes else []
        if draw.random() < 0.2:
            tries.insert(0, (start - timedelta(minutes=draw.uniform(20, 90)), False, False))
        if draw.random() < 0.2:
            tries.append((one.end + timedelta(minutes=draw.uniform(20, 90)), False, False))
        for at, out, expected in tries:
            yield Walk(at=at, door=self._door(), out=out, card="", expected=expected, visit=number)

    def _door(self) -> int:
        return self._draw.randrange(DOORS)

    def _cut(self, day: date, shortest: float, longest: float) -> tuple[datetime, datetime]:
        start = moment(day, 8 + self._draw.uniform(0, 9))
        return start, start + timedelta(minutes=self._draw.uniform(shortest, longest))
