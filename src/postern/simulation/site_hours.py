"""What the simulated site makes of everybody's hours, and what the script knows them to be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias
from uuid import uuid4

from postern.attendance.asking import WantedCorrection
from postern.attendance.model import AnomalyKind, CorrectionDeed, Direction, WorkDay
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.settings import (
    AttendancePoint,
    AttendanceSettings,
    RosterKept,
)
from postern.ids import OperatorId, PersonId, new_id
from postern.operations.attendance import corrections
from postern.operations.attendance import setup as attendance_setup
from postern.operations.attendance.people import employed
from postern.operations.attendance.punches import enter_punch, punch_by_phone
from postern.operations.attendance.reckon import reckoned, rules_of
from postern.operations.attendance.settle import settle_hours
from postern.operators.model import Actor, Role
from postern.simulation.furnish import Approach
from postern.simulation.site_script import FIRST, TIME_ZONE, SiteScript, Turn, Walk, roster_of
from postern.simulation.stage import Premises
from postern.sites.model import zone_of

_SEEN_AFTER = timedelta(days=2)
"""A forgotten punch is looked for then: before, whoever did not go may still be at work."""


Place: TypeAlias = tuple[int, date]
"""A day of a person, by the number in the script."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """A walk that no reader saw, and when it was."""

    stretch: int
    direction: Direction
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class HoursFound:
    """`people_days`: days with work on them; `wrong`: how many count other minutes than were worked.

    `anomalies`: forgotten punches and absences that were found; `wrong_anomalies`: what was forgotten and
    not found on its day, and what was found and is none. `minutes`: all that counts as worked.
    """

    people_days: int
    minutes: int
    wrong: int
    anomalies: int
    wrong_anomalies: int


@dataclass(kw_only=True)
class Ends:
    """When a stretch of work really began and ended."""

    came: datetime | None = None
    went: datetime | None = None


@dataclass
class Hours:
    """Keeps hours at the site, corrects what was forgotten, and remembers how it really was."""

    where: Premises
    script: SiteScript
    people: Sequence[PersonId]
    worked: dict[int, Ends] = field(default_factory=lambda: defaultdict(Ends))
    forgotten: list[Forgotten] = field(default_factory=list)
    found: int = 0
    missed: int = 0

    def __post_init__(self) -> None:
        self._asks = self._keeper("hr-asks")
        self._decides = self._keeper("hr-decides")

    def _keeper(self, name: str) -> Actor:
        tenant = self.where.tenant
        return Actor(tenant=tenant, name=name, role=Role.HR, operator=OperatorId(uuid4()))

    async def set_up(self, doors: Sequence[tuple[Approach, Approach]]) -> None:
        """Keep hours from now on: at every door, and by everybody's roster."""
        where = self.where
        pay = PayProfile(jurisdiction=Jurisdiction("de"))
        settings = AttendanceSettings(site=where.site, pay=pay)
        await attendance_setup.set_attendance(where.services, where.actor, settings)
        points = [
            AttendancePoint(access_point=one.point, direction=direction)
            for way_in, way_out in doors
            for one, direction in ((way_in, Direction.IN), (way_out, Direction.OUT))
        ]
        await attendance_setup.set_points(where.services, where.actor, where.site, points)
        rosters = {turn: RosterKept(id=new_id(), name=turn.value, roster=roster_of(turn)) for turn in Turn}
        for kept in rosters.values():
            await attendance_setup.put_roster(where.services, where.actor, where.site, kept)
        for person, one in zip(self.people, self.script.people, strict=True):
            if one.welcome:
                await self._assign(person, FIRST, rosters[one.turn])
            if one.leaves_at is not None:
                await self._assign(person, one.leaves_at.astimezone(zone_of(TIME_ZONE)).date(), None)

    async def _assign(self, person: PersonId, since: date, kept: RosterKept | None) -> None:
        where, roster = self.where, kept.id if kept is not None else None
        await attendance_setup.assign_roster(where.services, where.actor, person, since=since, roster=roster)

    async def by_phone(self, walk: Walk) -> None:
        """Somebody punches on their phone, now."""
        services = self.where.services
        direction = Direction.OUT if walk.out else Direction.IN
        async with services.database.transaction(self.where.tenant) as tx:
            await punch_by_phone(services, tx, self.where.tenant, self._whose(walk), direction=direction)
        self.note(walk, services.clock.now())

    def note(self, walk: Walk, at: datetime) -> None:
        """A stretch of work has really begun or ended, whoever saw it."""
        if walk.stretch is None:
            return
        ends = self.worked[walk.stretch]
        if walk.out:
            ends.went = at
        else:
            ends.came = at
        if walk.unseen:
            direction = Direction.OUT if walk.out else Direction.IN
            self.forgotten.append(Forgotten(stretch=walk.stretch, direction=direction, at=at))

    def _whose(self, walk: Walk) -> PersonId:
        if walk.stretch is None:
            raise ValueError("only work is punched by phone")
        return self.people[self.script.work[walk.stretch].person]

    async def correct(self) -> None:
        """What was forgotten two days ago or longer is found as an anomaly, and put right."""
        due = [one for one in self.forgotten if one.at + _SEEN_AFTER <= self.where.services.clock.now()]
        for one in due:
            self.forgotten.remove(one)
            work = self.script.work[one.stretch]
            person = self.people[work.person]
            (day,) = (await self._kept([person], work.day, work.day))[person]
            kind = AnomalyKind.MISSING_OUT if one.direction is Direction.OUT else AnomalyKind.MISSING_IN
            if [found.kind for found in day.anomalies] == [kind]:
                self.found += 1
            else:
                self.missed += 1
            await self._put_right(person, work.day, one)

    async def _put_right(self, person: PersonId, day: date, one: Forgotten) -> None:
        """One operator asks and another approves; or it is entered at once, in an operator's word."""
        services = self.where.services
        if one.direction is Direction.IN:
            await enter_punch(
                services, self._asks, person, at=one.at, direction=Direction.IN, reason="was seen coming"
            )
            return
        wanted = WantedCorrection(
            day=day, deed=CorrectionDeed.ADD, reason="went home", at=one.at, direction=Direction.OUT
        )
        asked = await corrections.propose_correction(services, self._asks, person, wanted)
        await corrections.approve_correction(services, self._decides, person, asked)

    async def compared(self) -> HoursFound:
        """Everybody's hours as the site counts them, with the script's truth."""
        last = FIRST + timedelta(days=self.script.days - 1)
        truth: dict[Place, int] = defaultdict(int)
        for number, ends in self.worked.items():
            work = self.script.work[number]
            truth[work.person, work.day] += _whole_minutes(ends)
        kept = await self._kept(self.people, FIRST, last)
        counted = {
            (number, day.day): day for number, person in enumerate(self.people) for day in kept[person]
        }
        found = compare(truth, self.script.absent, counted)
        return replace(
            found,
            anomalies=found.anomalies + self.found,
            wrong_anomalies=found.wrong_anomalies + self.missed,
        )

    async def _kept(
        self, people: Sequence[PersonId], first: date, last: date
    ) -> dict[PersonId, tuple[WorkDay, ...]]:
        """Their days, as the site reckons them."""
        services, tenant, site = self.where.services, self.where.tenant, self.where.site
        await settle_hours(services, tenant, site)
        async with services.database.transaction(tenant) as tx:
            rules = await rules_of(services, tx, tenant, site)
            wanted = [await employed(services, tx, tenant, one, first=first, last=last) for one in people]
        made = reckoned(services, tenant, rules, wanted, first=first, last=last)
        return {one.employed.person.id: tuple(day.work for day in one.timesheet.days) async for one in made}


def compare(
    truth: Mapping[Place, int], absent: frozenset[Place], counted: Mapping[Place, WorkDay]
) -> HoursFound:
    """The minutes worked and the absences, with the days as the site counts them."""
    found = {
        place
        for place, day in counted.items()
        if any(one.kind is AnomalyKind.ABSENT for one in day.anomalies)
    }
    others = sum(one.kind is not AnomalyKind.ABSENT for day in counted.values() for one in day.anomalies)
    return HoursFound(
        people_days=len(truth),
        minutes=sum(day.minutes for day in counted.values()),
        wrong=sum(day.minutes != truth.get(place, 0) for place, day in counted.items())
        + len(truth.keys() - counted.keys()),
        anomalies=len(found) + others,
        wrong_anomalies=others + len(found ^ absent),
    )


def _whole_minutes(ends: Ends) -> int:
    """From the minute of coming to the minute of going, as clocks show them."""
    if ends.came is None or ends.went is None:
        return 0
    came, went = (one.replace(second=0, microsecond=0) for one in (ends.came, ends.went))
    return (went - came) // timedelta(minutes=1)
