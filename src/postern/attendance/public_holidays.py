"""Public holidays from the kept `holidays` library (MIT), and which days are worked instead.

China's State Council moves rest days: some weekdays around a public holiday are days off, and some weekend
days are worked for them. Only the public holiday itself is paid as one: a day off instead (补假, 调休) is a
rest day. The library knows the moved days as far ahead as they have been announced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache

import holidays

from postern.attendance.model import Shift
from postern.attendance.roster import Roster, RosterChange
from postern.errors import BadInput

_INSTEAD = re.compile(r"补假|调休")
_MOVED_FROM = re.compile(r"由 (\d{4}-\d{2}-\d{2}) 调休")
_SATURDAY = 5


class DayKind(StrEnum):
    """What a day is by law and roster. `SEVENTH`: the seventh worked day of one work week."""

    WORK = "work"
    REST = "rest"
    PUBLIC_HOLIDAY = "public-holiday"
    SEVENTH = "seventh"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicHolidays:
    """The public holidays of one place, by name.

    `off`: days off instead of another day. `worked`: weekend days that are worked, each with the weekday
    that it is worked for. `days_off`: where the law gives nobody the day off, the week does not give way.
    """

    names: Mapping[date, str]
    off: frozenset[date] = frozenset()
    worked: Mapping[date, date]
    days_off: bool = True

    def kind(self, day: date, shifts: tuple[Shift, ...], *, has_roster: bool) -> DayKind:
        """What `day` is. Where there is a roster, a day without a shift is a rest day."""
        if day in self.names:
            return DayKind.PUBLIC_HOLIDAY
        if has_roster:
            return DayKind.WORK if shifts else DayKind.REST
        is_rest = day in self.off or (day.weekday() >= _SATURDAY and day not in self.worked)
        return DayKind.REST if is_rest else DayKind.WORK


NO_PUBLIC_HOLIDAYS = PublicHolidays(names={}, worked={})


@lru_cache(maxsize=64)
def public_holidays(
    country: str, region: str | None, first_year: int, last_year: int, language: str = "en"
) -> PublicHolidays:
    """Those of a country, or of a part of it, in whole years. Raises BadInput for a part it does not have."""
    years = range(first_year, last_year + 1)
    words = {"zh": "zh_CN", "en": "en_US"}.get(language, language)
    try:
        named = holidays.country_holidays(country, subdiv=region, years=years, language=words)
    except NotImplementedError:
        raise BadInput(
            "no public holidays are known of this region; write it as ISO 3166-2 does after the dash"
        ) from None
    if country != "CN":
        return PublicHolidays(names=dict(sorted(named.items())), worked={})
    marked = holidays.country_holidays(country, subdiv=region, years=years, language="zh_CN")
    off = frozenset(day for day, name in marked.items() if _INSTEAD.search(name))
    moved = {day: _MOVED_FROM.search(marked[day]) for day in sorted(off)}
    worked = {date.fromisoformat(found[1]): day for day, found in moved.items() if found is not None}
    names = {day: name for day, name in sorted(named.items()) if day not in off}
    return PublicHolidays(names=names, off=off, worked=worked)


def kept(roster: Roster, days: PublicHolidays, first: date, last: date) -> Roster:
    """The roster as public holidays change it: days off fall out, moved days are worked like the weekday.

    A change that the roster names for a day goes before this. A roster that does not follow the calendar, or
    a law that gives nobody the day off, leaves it as it is.
    """
    if not roster.follows_calendar or not days.days_off:
        return roster
    named = {one.day for one in roster.changes}
    changes = list(roster.changes)
    for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
        if day in named:
            continue
        if day in days.names or day in days.off:
            changes.append(RosterChange(day=day, name=days.names.get(day, "")))
        elif day in days.worked:
            like = days.worked[day].weekday()
            patterns = tuple(one.pattern for one in roster.weekly if like in one.weekdays)
            changes.append(RosterChange(day=day, name="", patterns=patterns))
    return replace(roster, changes=tuple(changes))
