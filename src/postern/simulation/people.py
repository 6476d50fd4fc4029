"""`postern simulate site`: people through doors over the real path, and whether every record arrived once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind, Grant, SubjectKind
from postern.ids import AccessLevelId
from postern.operations import access_levels, credentials, register, revoke
from postern.people.model import PersonDetails
from postern.records import store as records
from postern.simulation.barrier import Passing
from postern.simulation.furnish import Approach, area, doorway
from postern.simulation.stage import Premises, Stage, premises, stage

Say = Callable[[str], None]
FIRST = date(2026, 3, 2)
TIME_ZONE = "Europe/Berlin"
_DOORS = 4
_PUSHED_EVERY = timedelta(minutes=5)
_STRANGER = "FFFFFFFF"


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody who comes to work. `welcome`: the cards of those who are not were revoked."""

    card: str
    welcome: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Walk:
    """One try at one door. `expected`: whether the door has to open."""

    at: datetime
    door: int
    out: bool
    card: str
    passing: Passing
    expected: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteScript:
    """Everything that will happen. Power cuts and cuts of the line are (start, end)."""

    start: datetime
    people: tuple[Person, ...]
    walks: tuple[Walk, ...]
    power_cuts: tuple[tuple[datetime, datetime], ...]
    line_cuts: tuple[tuple[datetime, datetime], ...]


def site_script(*, seed: int, days: int, people: int = 60) -> SiteScript:
    """The same for the same arguments."""
    draw = Random(f"site/{seed}")  # noqa: S311 - a simulation, not a secret
    known = tuple(
        Person(card=f"{draw.getrandbits(32):08X}", welcome=draw.random() > 0.05) for _ in range(people)
    )
    start = _at(FIRST, time(0))
    walks: list[Walk] = []
    power, line = [], []
    for day in (FIRST + timedelta(days=number) for number in range(days)):
        walks += [walk for person in known for walk in _day_of(draw, person, day)]
        walks += [_stranger(draw, day) for _ in range(draw.randrange(4))]
        if draw.random() < 0.4:
            power.append(_span(draw, day, 2, 6))
        if draw.random() < 0.4:
            line.append(_span(draw, day, 20, 120))
    return SiteScript(
        start=start,
        people=known,
        walks=tuple(sorted(walks, key=lambda one: (one.at, one.card))),
        power_cuts=tuple(power),
        line_cuts=tuple(line),
    )


def _day_of(draw: Random, person: Person, day: date) -> list[Walk]:
    """In in the morning, out and in for lunch, out in the evening; at week-ends hardly anybody."""
    if draw.random() > (0.9 if day.weekday() < 5 else 0.05):
        return []
    hours = [
        draw.triangular(6, 10, 8),
        draw.triangular(11.5, 13, 12),
        draw.triangular(13, 14, 13.2),
        draw.triangular(15, 20, 17),
    ]
    return [
        Walk(
            at=_at(day, time(0)) + timedelta(hours=hour),
            door=draw.randrange(_DOORS),
            out=out,
            card=person.card,
            passing=Passing.TURNS_BACK if draw.random() < 0.01 else Passing.GOES_THROUGH,
            expected=out or person.welcome,
        )
        for hour, out in zip(hours, (False, True, False, True), strict=True)
    ]


def _stranger(draw: Random, day: date) -> Walk:
    return Walk(
        at=_at(day, time(9)) + timedelta(hours=draw.uniform(0, 8)),
        door=draw.randrange(_DOORS),
        out=False,
        card=_STRANGER,
        passing=Passing.GOES_THROUGH,
        expected=False,
    )


def _span(draw: Random, day: date, shortest: float, longest: float) -> tuple[datetime, datetime]:
    start = _at(day, time(8)) + timedelta(hours=draw.uniform(0, 9))
    return start, start + timedelta(minutes=draw.uniform(shortest, longest))


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, tzinfo=ZoneInfo(TIME_ZONE)).astimezone(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSummary:
    """What came of it.

    `passages`: confirmed, as the hub's archive has them. `wrong`: doors that opened or stayed shut against
    what the script says. `lost` and `doubled`: records of the agent that the archive lacks, or has twice.
    """

    passages: int
    granted: int
    denied: int
    wrong: int
    lost: int
    doubled: int
    not_taken: int
    power_cuts: int
    seconds: float

    def as_json(self) -> str:
        """One line; the same for two runs with one seed, but for `seconds`."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


async def simulate_site(*, seed: int, days: int, say: Say) -> SiteSummary:
    """Play `days` from `seed`. Raises PosternError when the stage cannot be set."""
    began = datetime.now(UTC)
    script = site_script(seed=seed, days=days)
    async with premises(start=script.start, time_zone=TIME_ZONE, name="Simulated site") as setting:
        doors = await _furnish(setting.where, script)
        say(f"{len(script.people)} people, {len(doors)} doors, {len(script.walks)} tries")
        async with stage(setting) as played:
            counted = await _Play(played, script, doors).run()
            summary = await _summed(played, counted, (datetime.now(UTC) - began).total_seconds())
    say(f"{summary.granted} granted, {summary.denied} denied, {summary.passages} passages in the archive")
    say(f"{summary.lost} records lost, {summary.doubled} doubled, {summary.wrong} doors wrong")
    return summary


async def _furnish(where: Premises, script: SiteScript) -> list[tuple[Approach, Approach]]:
    street, inside = await area(where, "Street", outside=True), await area(where, "Building")
    doors = [await doorway(where, f"Door {number}", street, inside) for number in range(1, _DOORS + 1)]
    level = await access_levels.add_access_level(
        where.services, where.actor, name="Everywhere", access_points=frozenset(one.point for one, _ in doors)
    )
    for number, person in enumerate(script.people):
        await _register(where, number, person, level.id)
    return doors


async def _register(where: Premises, number: int, person: Person, level: AccessLevelId) -> None:
    services, actor = where.services, where.actor
    added = await register.add_person(services, actor, PersonDetails(name=f"Person {number:03}"))
    await credentials.issue_card(services, actor, person=added.id, number=person.card)
    held = await access_levels.holding(services, actor, subject=added.id, kind=SubjectKind.PERSON)
    await access_levels.set_grants(services, actor, holding=held, grants=[Grant(level=level)])
    if not person.welcome:
        await revoke.revoke_holder(services, actor, subject=added.id, kind=SubjectKind.PERSON, reason="left")


class _Play:
    def __init__(self, played: Stage, script: SiteScript, doors: list[tuple[Approach, Approach]]) -> None:
        self._stage = played
        self._script = script
        self._doors = doors
        self._counted: Counter[str] = Counter()
        self._pushed = script.start
        self._day = script.start.date()
        self._free = [script.start] * _DOORS

    async def run(self) -> Counter[str]:
        for walk in self._script.walks:
            # One after the other through each door: the next waits until it has closed.
            at = max(walk.at, self._free[walk.door])
            for start, end in self._script.power_cuts:
                if start <= at < end:
                    at = end + timedelta(seconds=self._counted["waited"] % 60)
                    self._counted["waited"] += 1
            at = max(at, self._stage.clock.now())
            self._free[walk.door] = at + timedelta(seconds=40)
            await self._time_passes(at)
            await self._walked(walk)
        await self._time_passes(self._stage.clock.now() + timedelta(hours=12))
        await self._stage.push()
        return self._counted

    async def _walked(self, walk: Walk) -> None:
        approach = self._doors[walk.door][1 if walk.out else 0]
        shown = CodePresented(kind=CredentialKind.CARD, value=walk.card)
        request = Request(access_point=approach.point, presented=shown, reader=approach.reader)
        admitted = await self._stage.admit(request, walk.passing)
        granted = admitted is not None and admitted.decision.reason.grants
        self._counted["granted" if granted else "denied"] += 1
        self._counted["wrong"] += granted is not walk.expected
        self._counted["not taken"] += granted and walk.passing is Passing.TURNS_BACK

    async def _time_passes(self, at: datetime) -> None:
        played = self._stage
        cut = any(start <= at < end for start, end in self._script.line_cuts)
        for start, _ in self._script.power_cuts:
            if played.clock.now() < start <= at:
                await played.power_off()
                self._counted["power cuts"] += 1
        played.pass_until(at)
        played.line_cut = cut
        if not played.has_power:
            await played.power_on()
        if at.date() != self._day:
            self._day = at.date()
            await played.new_day()
        if not cut and at - self._pushed >= _PUSHED_EVERY:
            self._pushed = at
            await played.push()


async def _summed(played: Stage, counted: Counter[str], seconds: float) -> SiteSummary:
    where, state = played.where, await played.agent.spool.state()
    async with where.services.database.transaction(where.tenant) as tx:
        tally = await records.tally(tx, where.site)
    return SiteSummary(
        passages=tally.passages - counted["not taken"],
        granted=counted["granted"],
        denied=counted["denied"],
        wrong=counted["wrong"],
        lost=state.highest_seq - tally.numbers,
        doubled=tally.records - tally.numbers,
        not_taken=counted["not taken"],
        power_cuts=counted["power cuts"],
        seconds=round(seconds, 1),
    )
