"""Presence: who is in which area, since when, and by what evidence. A fold of passages and statements.

What is known of each subject is the latest of every sort of fact, by the order in which things happened. So
facts may come twice, late, or from two agents and the hub in any order, and the outcome is the same: that is
what lets a hub and an agent that were cut off from each other agree again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import TypeAlias
from uuid import UUID

from postern.access.model import SubjectKind
from postern.clock import aware
from postern.errors import BadInput
from postern.ids import AccessPointId, AreaId
from postern.sites.model import MOST_ABOARD


class Evidence(StrEnum):
    """Why somebody is believed to be where they are said to be, the surest first."""

    PASSED = "passed"
    """The door's contact opened for them."""
    PRESUMED = "presumed"
    """The door was let go for them, and nobody saw more."""
    ABOARD = "aboard"
    """In a vehicle that passed, as somebody stated."""
    STATED = "stated"
    """A person said so."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Order:
    """When something happened, and which record tells of it: no two are alike."""

    at: datetime
    agent: int
    seq: int

    def __post_init__(self) -> None:
        aware(self.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """Somebody got into an area. `outside`: it is no part of the site, so they left.

    `via` is the access point, `presented` the kind of credential; `by` is who stated it, where somebody did.
    `asks`: the driver is asked there how many are aboard, at most so many.
    """

    order: Order
    subject: UUID
    kind: SubjectKind
    area: AreaId
    outside: bool
    evidence: Evidence
    via: AccessPointId | None = None
    presented: str = ""
    by: str = ""
    asks: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ride:
    """A person is aboard a vehicle: where it goes, they go, until somebody sees them elsewhere."""

    order: Order
    subject: UUID
    vehicle: UUID
    by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """So many more people, whom nobody named, are aboard a vehicle."""

    order: Order
    subject: UUID
    more: int
    by: str

    def __post_init__(self) -> None:
        if not 0 <= self.more <= MOST_ABOARD:
            raise BadInput(f"a vehicle carries 0 to {MOST_ABOARD} people; correct the number")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Somebody was seen safe by the person named in `by`; or that was taken back.

    `place`: of the people aboard the subject whom nobody named, the one that is counted so, from 1 on.
    """

    order: Order
    subject: UUID
    by: str
    safe: bool
    place: int | None = None

    def __post_init__(self) -> None:
        if self.place is not None and not 1 <= self.place <= MOST_ABOARD:
            raise BadInput(f"people aboard a vehicle are counted from 1 to {MOST_ABOARD}; reload the roll")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A muster begins or, when `over`, ends. A `drill` differs in name only."""

    order: Order
    by: str
    drill: bool = False
    over: bool = False
    reason: str = ""


Fact: TypeAlias = Sighting | Ride | Load | Mark | Call


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """All that is known of one subject: the latest of each sort. `left`: when it last was outside.

    `asked`: its latest passage after which the driver is asked how many are aboard. `others`: the latest mark
    of each of those aboard it whom nobody named.
    """

    subject: UUID
    kind: SubjectKind = SubjectKind.PERSON
    seen: Sighting | None = None
    asked: Sighting | None = None
    left: Order | None = None
    ride: Ride | None = None
    load: Load | None = None
    mark: Mark | None = None
    others: tuple[Mark, ...] | None = None

    @property
    def facts(self) -> tuple[Sighting | Ride | Load | Mark, ...]:
        """Each of them."""
        every = (self.seen, self.asked, self.ride, self.load, self.mark, *(self.others or ()))
        return tuple(one for one in every if one is not None)

    @property
    def order(self) -> Order | None:
        """Of the latest fact in it."""
        return max((one.order for one in self.facts), default=self.left)


def taken_in(known: Known, fact: Sighting | Ride | Load | Mark) -> Known:
    """`known` with a fact about the same subject. The same whatever the order of facts, and however often."""
    match fact:
        case Sighting():
            left = _later(known.left, fact.order) if fact.outside else known.left
            newer = known.seen is None or known.seen.order < fact.order
            seen = fact if newer else known.seen
            asks = fact.asks is not None and (known.asked is None or known.asked.order < fact.order)
            asked = fact if asks else known.asked
            kind = fact.kind if newer else known.kind
            return replace(known, seen=seen, asked=asked, left=left, kind=kind)
        case Ride():
            return known if known.ride and known.ride.order >= fact.order else replace(known, ride=fact)
        case Load():
            if known.load and known.load.order >= fact.order:
                return known
            return replace(known, load=fact, kind=SubjectKind.VEHICLE)
        case Mark(place=None):
            return known if known.mark and known.mark.order >= fact.order else replace(known, mark=fact)
        case Mark():
            return replace(known, others=_with_other(known.others or (), fact))


def _with_other(marks: tuple[Mark, ...], fact: Mark) -> tuple[Mark, ...]:
    """The latest of each place, in order of places."""
    latest = {one.place: one for one in sorted((*marks, fact), key=lambda one: one.order)}
    return tuple(sorted(latest.values(), key=lambda one: one.place or 0))


@dataclass(frozen=True, kw_only=True, slots=True)
class Whereabouts:
    """One subject that is inside. `vehicle`: in which they came; `more`: unnamed people aboard a vehicle.

    `counted`: somebody said how many those are; `others_safe`: those of them who were seen safe.
    """

    subject: UUID
    kind: SubjectKind
    area: AreaId
    since: datetime
    evidence: Evidence
    via: AccessPointId | None = None
    presented: str = ""
    by: str = ""
    vehicle: UUID | None = None
    more: int = 0
    counted: bool = False
    safe: Mark | None = None
    others_safe: tuple[Mark, ...] = ()

    @property
    def others(self) -> tuple[Aboard, ...]:
        """Those aboard whom nobody named. Of more who were there once, those who were not seen are gone."""
        seen = {one.place: one for one in self.others_safe[: self.more]}
        free = (place for place in range(1, MOST_ABOARD + 1) if place not in seen)
        places = sorted([*(one or 0 for one in seen), *islice(free, self.more - len(seen))])
        return tuple(Aboard(place=place, safe=seen.get(place)) for place in places)

    @property
    def missing(self) -> int:
        """People of it whom nobody has seen safe."""
        if self.kind is SubjectKind.VEHICLE:
            return sum(one.safe is None for one in self.others)
        return int(self.safe is None)

    @property
    def uncounted(self) -> bool:
        """A vehicle of which nobody said who is aboard: how many are missing there, nobody knows."""
        return self.kind is SubjectKind.VEHICLE and not self.counted

    @property
    def people(self) -> int:
        """Of how many it tells."""
        return self.more if self.kind is SubjectKind.VEHICLE else 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Aboard:
    """Somebody aboard a vehicle whom nobody named; `place` tells them apart."""

    place: int
    safe: Mark | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Muster:
    """A muster that runs."""

    since: datetime
    by: str
    drill: bool
    reason: str


@dataclass(kw_only=True)
class Presence:
    """Everybody of whom anything is known, and the calls to muster."""

    known: dict[UUID, Known] = field(default_factory=dict)
    calls: set[Call] = field(default_factory=set)

    def take(self, fact: Fact) -> bool:
        """Take one fact in; whether it changed anything."""
        if isinstance(fact, Call):
            before = len(self.calls)
            self.calls.add(fact)
            return len(self.calls) > before
        before_it = self.known.get(fact.subject)
        after = taken_in(before_it or Known(subject=fact.subject), fact)
        self.known[fact.subject] = after
        return after != before_it

    def merge(self, other: Known) -> bool:
        """Take in all that somebody else knows of one subject; whether that was news."""
        before = self.known.get(other.subject)
        after = merged(before, other)
        self.known[other.subject] = after
        return after != before

    def forget(self, subject: UUID) -> None:
        """Nothing is known of it any more."""
        self.known.pop(subject, None)

    @property
    def muster(self) -> Muster | None:
        """The muster that runs: called after the last one ended."""
        return running(self.calls)

    def inside(self) -> list[Whereabouts]:
        """Everybody and every vehicle inside, by the latest that is known."""
        began = self.muster
        found = (whereabouts(one, self.known) for one in self.known.values())
        return [_with_mark(one, self.known, began) for one in found if one is not None]


def fold(facts: Iterable[Fact]) -> Presence:
    """Presence after these facts."""
    presence = Presence()
    for one in facts:
        presence.take(one)
    return presence


def merged(one: Known | None, other: Known) -> Known:
    """What two who were cut off from each other know together."""
    if one is None:
        return other
    after = one
    for fact in other.facts:
        after = taken_in(after, fact)
    return replace(after, left=_later(after.left, other.left))


def running(calls: Iterable[Call]) -> Muster | None:
    """The muster that goes on after these calls. Called twice, by people who could not hear each other, it
    is one muster, from the first call on."""
    every = sorted(calls, key=lambda one: one.order)
    ended = max((one.order for one in every if one.over), default=None)
    begun = [one for one in every if not one.over and (ended is None or one.order > ended)]
    if not begun:
        return None
    first = begun[0]
    drill = all(one.drill for one in begun)
    return Muster(since=first.order.at, by=first.by, drill=drill, reason=first.reason)


def whereabouts(one: Known, known: Mapping[UUID, Known]) -> Whereabouts | None:
    """Where the subject is; None when outside, or never seen."""
    ride, seen = one.ride, one.seen
    # 1. Whoever is aboard, and was not seen since, is where the vehicle is.
    if ride is not None and (seen is None or seen.order < ride.order):
        vehicle = known.get(ride.vehicle)
        left = vehicle.left if vehicle is not None else None
        if left is not None and left > ride.order:
            return None  # it has left with them
        if vehicle is not None and vehicle.seen is not None and not vehicle.seen.outside:
            return Whereabouts(
                subject=one.subject,
                kind=SubjectKind.PERSON,
                area=vehicle.seen.area,
                since=max(vehicle.seen.order, ride.order).at,
                evidence=Evidence.ABOARD,
                via=vehicle.seen.via,
                by=ride.by,
                vehicle=ride.vehicle,
            )
    # 2. Everybody else is where they were seen last.
    if seen is None or seen.outside:
        return None
    load = load_of(one)
    return Whereabouts(
        subject=one.subject,
        kind=one.kind,
        area=seen.area,
        since=seen.order.at,
        evidence=seen.evidence,
        via=seen.via,
        presented=seen.presented,
        by=seen.by,
        more=load.more if load is not None else 0,
        counted=load is not None,
    )


def on_roll(inside: Iterable[Whereabouts], subject: UUID, place: int | None) -> bool:
    """Whether somebody can be seen safe: the subject, or the one of that place aboard it."""
    found = next((one for one in inside if one.subject == subject), None)
    if found is None or place is None:
        return found is not None
    return any(one.place == place for one in found.others)


def load_of(one: Known) -> Load | None:
    """Who is aboard and was not named; what was said before the vehicle last left counts no more."""
    load = one.load
    return None if load is None or (one.left is not None and load.order < one.left) else load


def _with_mark(one: Whereabouts, known: Mapping[UUID, Known], began: Muster | None) -> Whereabouts:
    if began is None:
        return one
    of = known[one.subject]
    mark = of.mark if of.mark is not None and _counts(of.mark, began) else None
    others = [
        each for each in of.others or () if _counts(each, began) and (of.left is None or of.left < each.order)
    ]
    others.sort(key=lambda each: each.order)
    return replace(one, safe=mark, others_safe=tuple(others))


def _counts(mark: Mark, began: Muster) -> bool:
    return mark.safe and mark.order.at >= began.since


def _later(one: Order | None, other: Order | None) -> Order | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
