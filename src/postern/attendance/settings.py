"""AttendanceSettings: by what a site reckons hours; Assignment: by which roster somebody works since when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from postern.attendance.model import Direction
from postern.attendance.pairing_rules import PairingRules
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.public_holidays import PublicHolidays, kept
from postern.attendance.roster import NO_ROSTER, Roster, RosterChange, ShiftPattern
from postern.ids import AccessPointId, PersonId, SiteId


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedProfile:
    """A pay profile beside the site's own, which an employment may name."""

    name: str
    pay: PayProfile


@dataclass(frozen=True, kw_only=True, slots=True)
class AttendanceSettings:
    """How a site keeps hours. `faces`: whether passages by face are punches, where the law allows it;
    `phones`: whether people may punch on their own phones. `version` 0: nothing is stored yet.
    """

    site: SiteId
    pay: PayProfile
    pairing: PairingRules = field(default_factory=PairingRules)
    profiles: tuple[NamedProfile, ...] = ()
    faces: bool = False
    phones: bool = True
    version: int = 0

    def profile(self, name: str) -> PayProfile:
        """The profile of that name; the site's own where there is none."""
        return next((one.pay for one in self.profiles if one.name == name), self.pay)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttendancePoint:
    """An access point whose passages are punches, and what a passage there says."""

    access_point: AccessPointId
    direction: Direction


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterKept:
    """A roster of a site, by its id. `version` 0: nothing is stored yet."""

    id: UUID
    name: str
    roster: Roster
    version: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Assigned:
    """From `since` on somebody works by this roster; None: by none."""

    since: date
    roster: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Assignment:
    """One person's rosters, by since when. `version` 0: nothing is stored yet."""

    person: PersonId
    rosters: tuple[Assigned, ...] = ()
    version: int = 0

    def with_roster(self, wanted: Assigned) -> Assignment:
        """From `wanted.since` on by that roster, until whatever begins later."""
        others = [one for one in self.rosters if one.since != wanted.since]
        return replace(self, rosters=tuple(sorted((*others, wanted), key=lambda one: one.since)))

    def on(self, day: date) -> UUID | None:
        """By which roster they work on that day."""
        return next((one.roster for one in reversed(self.rosters) if one.since <= day), None)


def rosters_held(
    assignment: Assignment, first: date, last: date, *, works: Callable[[date], bool]
) -> tuple[UUID | None, ...]:
    """By which roster somebody works on each of these days.

    By none where `works` says no: before the first and after the last day of a job nobody is expected.
    """
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return tuple(assignment.on(day) if works(day) else None for day in days)


def roster_of(
    held: Sequence[UUID | None], rosters: Mapping[UUID, Roster], first: date, calendar: PublicHolidays
) -> Roster:
    """The one roster that says what these rosters say, each of its own day from `first` on."""
    used = {one: rosters[one] for one in set(held) if one is not None and one in rosters}
    if len(set(held)) == 1:
        return next(iter(used.values()), NO_ROSTER)
    last = first + timedelta(days=len(held) - 1)
    found = {one: kept(roster, calendar, first, last) for one, roster in used.items()}
    days = (first + timedelta(days=n) for n in range(len(held)))
    changes = [
        RosterChange(
            day=day,
            name="",
            patterns=patterns_on(found[one], day) if one is not None and one in found else (),
        )
        for day, one in zip(days, held, strict=True)
    ]
    return Roster(follows_calendar=False, changes=tuple(changes))


def patterns_on(roster: Roster, day: date) -> tuple[ShiftPattern, ...]:
    """The roster's shifts of that day."""
    changed = [one for one in roster.changes if one.day == day]
    if changed:
        return tuple(pattern for one in changed for pattern in one.patterns)
    return tuple(one.pattern for one in roster.weekly if day.weekday() in one.weekdays)


_OF_COUNTRY = {"CN": "cn", "DE": "de", "US": "us"}


def profile_of_country(country: str | None) -> PayProfile | None:
    """By whose law a site of that country pays, where rules of it are kept."""
    name = _OF_COUNTRY.get(country or "")
    return PayProfile(jurisdiction=Jurisdiction(name)) if name else None
