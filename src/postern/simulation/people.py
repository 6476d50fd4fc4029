"""`postern simulate site`: people at work over the real path: records, hours, and who is inside."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind, Grant, SubjectKind
from postern.ids import AccessLevelId, PersonId
from postern.operations.people import credentials, employments, register, revoke
from postern.operations.presence.derive import present
from postern.operations.sites import access_levels
from postern.parking.store import recorder
from postern.people.employment import Terms
from postern.people.model import PersonDetails
from postern.records import store as records
from postern.simulation.barrier import Passing
from postern.simulation.furnish import Approach, area, doorway
from postern.simulation.site_hours import Hours, HoursFound
from postern.simulation.site_script import DOORS, FIRST, TIME_ZONE, Person, SiteScript, Walk, site_script
from postern.simulation.site_visits import Visits
from postern.simulation.stage import Premises, Stage, premises, stage

Say = Callable[[str], None]
_PUSHED_EVERY = timedelta(minutes=5)
_MUSTERED_EVERY = timedelta(hours=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteSummary:
    """What came of it.

    `passages`: confirmed, as the hub's archive has them. `wrong`: doors that opened or stayed shut against
    what the script says. `lost` and `doubled`: records of the agent that the archive lacks, or has twice.
    `punches`: what the hours were made of, and `phone_punches` among them; `forgotten` those that no reader
    saw. `anomalies` and `people_days` as the site has them; `wrong_hours`: days of a person that count other
    minutes than were worked; `wrong_anomalies`: forgotten and not found, or found and none. `wrong_visits`:
    those that the site has otherwise than they were. `musters`: how often everybody inside was compared with
    who is; `muster_wrong`: people missing or too many, of all.
    """

    passages: int
    granted: int
    denied: int
    wrong: int
    lost: int
    doubled: int
    not_taken: int
    power_cuts: int
    punches: int
    phone_punches: int
    forgotten: int
    anomalies: int
    wrong_anomalies: int
    people_days: int
    minutes: int
    wrong_hours: int
    visits: int
    wrong_visits: int
    musters: int
    most_inside: int
    muster_wrong: int
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether everything came out as the script says."""
        faults = (self.wrong, self.lost, self.doubled, self.wrong_hours, self.wrong_anomalies)
        return not any((*faults, self.wrong_visits, self.muster_wrong))

    def as_json(self) -> str:
        """One line; the same for two runs with one seed, but for `seconds`."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


async def simulate_site(*, seed: int, days: int, say: Say) -> SiteSummary:
    """Play `days` from `seed`. Raises PosternError when the stage cannot be set."""
    began = datetime.now(UTC)
    script = site_script(seed=seed, days=days)
    async with premises(start=script.start, time_zone=TIME_ZONE, name="Simulated site") as setting:
        furnished = await _furnish(setting.where, script)
        say(f"{len(script.people)} people, {len(furnished.doors)} doors, {len(script.walks)} tries")
        async with stage(setting) as played:
            play = _Play(played, script, furnished)
            counted = await play.run()
            found = await furnished.hours.compared()
            counted["wrong visits"] = await furnished.visits.wrong()
            counted["visits"] = len(script.invitations)
            summary = await _summed(played, counted, found, (datetime.now(UTC) - began).total_seconds())
    say(f"{summary.granted} granted, {summary.denied} denied, {summary.passages} passages in the archive")
    say(f"{summary.lost} records lost, {summary.doubled} doubled, {summary.wrong} doors wrong")
    say(
        f"{summary.people_days} days of work, {summary.minutes // 60} hours, {summary.wrong_hours} days wrong"
    )
    say(f"{summary.forgotten} punches forgotten, {summary.wrong_anomalies} anomalies wrong")
    say(f"{summary.visits} visits, {summary.wrong_visits} wrong")
    say(f"mustered {summary.musters} times, {summary.muster_wrong} people wrong")
    return summary


@dataclass(frozen=True, kw_only=True, slots=True)
class _Furnished:
    doors: list[tuple[Approach, Approach]]
    people: list[PersonId]
    hours: Hours
    visits: Visits


async def _furnish(where: Premises, script: SiteScript) -> _Furnished:
    street, inside = await area(where, "Street", outside=True), await area(where, "Building")
    doors = [await doorway(where, f"Door {number}", street, inside) for number in range(1, DOORS + 1)]
    level = await access_levels.add_access_level(
        where.services, where.actor, name="Everywhere", access_points=frozenset(one.point for one, _ in doors)
    )
    people = [await _register(where, number, person, level.id) for number, person in enumerate(script.people)]
    hours = Hours(where, script, people)
    await hours.set_up(doors)
    visits = Visits(where, script, level.id, people)
    await visits.invite(FIRST)
    return _Furnished(doors=doors, people=people, hours=hours, visits=visits)


async def _register(where: Premises, number: int, person: Person, level: AccessLevelId) -> PersonId:
    services, actor = where.services, where.actor
    added = await register.add_person(
        services, actor, PersonDetails(name=f"Person {number:03}", home_site=where.site)
    )
    await credentials.issue_card(services, actor, person=added.id, number=person.card)
    held = await access_levels.holding(services, actor, subject=added.id, kind=SubjectKind.PERSON)
    await access_levels.set_grants(services, actor, holding=held, grants=[Grant(level=level)])
    if not person.welcome:
        await revoke.revoke_holder(services, actor, subject=added.id, kind=SubjectKind.PERSON, reason="left")
        return added.id
    ends = person.leaves_at.astimezone(ZoneInfo(TIME_ZONE)) if person.leaves_at is not None else None
    terms = Terms(
        first=FIRST - timedelta(days=30),
        last=ends.date() if ends is not None else None,
        until=ends.time() if ends is not None else None,
        site=where.site,
    )
    await employments.add_employment(services, actor, person=added.id, version=0, terms=terms)
    return added.id


class _Play:
    def __init__(self, played: Stage, script: SiteScript, furnished: _Furnished) -> None:
        self._stage = played
        self._script = script
        self._doors = furnished.doors
        self._hours = furnished.hours
        self._by_card = {
            one.card: person for one, person in zip(script.people, furnished.people, strict=True)
        }
        self._visits = furnished.visits
        self._inside: set[UUID] = set()
        self._counted: Counter[str] = Counter()
        self._pushed = script.start
        self._mustered = script.start
        self._day = script.start.date()
        self._free = [script.start] * DOORS

    async def run(self) -> Counter[str]:
        for walk in self._script.walks:
            at = max(self._when(walk), self._stage.clock.now())
            await self._time_passes(at)
            await self._walked(walk)
        for _ in range(3):
            await self._time_passes(self._stage.clock.now() + timedelta(hours=20))
        return self._counted

    def _when(self, walk: Walk) -> datetime:
        """One after the other through each door, once it has closed; and nobody while there is no power."""
        if walk.door is None or walk.unseen:
            return walk.at
        at = max(walk.at, self._free[walk.door])
        for start, end in self._script.power_cuts:
            if start <= at < end:
                at = end + timedelta(seconds=self._counted["waited"] % 60)
                self._counted["waited"] += 1
        self._free[walk.door] = at + timedelta(seconds=40)
        return at

    async def _walked(self, walk: Walk) -> None:
        if walk.unseen:
            self._counted["forgotten"] += 1
            self._hours.note(walk, self._stage.clock.now())
        elif walk.door is None:
            self._counted["phone"] += 1
            await self._hours.by_phone(walk)
        else:
            await self._tried(walk, self._doors[walk.door][1 if walk.out else 0])

    async def _tried(self, walk: Walk, approach: Approach) -> None:
        at = self._stage.clock.now()
        shown = (
            CodePresented(kind=CredentialKind.CARD, value=walk.card)
            if walk.visit is None
            else CodePresented(kind=CredentialKind.QR, value=self._visits.code(walk.visit))
        )
        request = Request(access_point=approach.point, presented=shown, reader=approach.reader)
        admitted = await self._stage.admit(request, walk.passing)
        granted = admitted is not None and admitted.decision.reason.grants
        self._counted["granted" if granted else "denied"] += 1
        self._counted["wrong"] += granted is not walk.expected
        self._counted["not taken"] += granted and walk.passing is Passing.TURNS_BACK
        if granted and walk.passing is Passing.GOES_THROUGH:
            self._counted["punches"] += walk.stretch is not None
            self._hours.note(walk, at)
            self._visits.note(walk, at)
            who = self._by_card[walk.card] if walk.visit is None else self._visits.id(walk.visit)
            (self._inside.discard if walk.out else self._inside.add)(who)

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
        if not cut and at - self._pushed >= _PUSHED_EVERY:
            self._pushed = at
            await played.push()
            if at - self._mustered >= _MUSTERED_EVERY:
                self._mustered = at
                await self._muster()
        if not cut and at.date() != self._day:
            self._day = at.date()
            await self._hours.correct()
            await self._visits.follow()
            await self._visits.invite(at.astimezone(ZoneInfo(TIME_ZONE)).date())
            await played.new_day()

    async def _muster(self) -> None:
        """Who the site believes to be inside, and who went through its doors."""
        where = self._stage.where
        believed = {one.subject for one in (await present(where.services, where.tenant, where.site)).inside()}
        self._counted["musters"] += 1
        self._counted["muster wrong"] += len(believed ^ self._inside)
        self._counted["most inside"] = max(self._counted["most inside"], len(self._inside))


async def _summed(played: Stage, counted: Counter[str], found: HoursFound, seconds: float) -> SiteSummary:
    where, state = played.where, await played.agent.spool.state()
    async with where.services.database.transaction(where.tenant) as tx:
        tally = await records.tally(tx, where.site)
        hubs_own = await recorder(tx, where.site)
    entered = hubs_own[1] if hubs_own is not None else 0
    return SiteSummary(
        passages=tally.passages - counted["not taken"],
        granted=counted["granted"],
        denied=counted["denied"],
        wrong=counted["wrong"],
        lost=state.highest_seq - (tally.numbers - entered),
        doubled=tally.records - tally.numbers,
        not_taken=counted["not taken"],
        power_cuts=counted["power cuts"],
        punches=counted["punches"] + counted["phone"],
        phone_punches=counted["phone"],
        forgotten=counted["forgotten"],
        anomalies=found.anomalies,
        wrong_anomalies=found.wrong_anomalies,
        people_days=found.people_days,
        minutes=found.minutes,
        wrong_hours=found.wrong,
        visits=counted["visits"],
        wrong_visits=counted["wrong visits"],
        musters=counted["musters"],
        most_inside=counted["most inside"],
        muster_wrong=counted["muster wrong"],
        seconds=round(seconds, 1),
    )
