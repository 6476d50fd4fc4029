"""What work days are paid by the law in force on each of them, and which of its limits they did not keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from postern.attendance.law_at import LawAt
from postern.attendance.limits import breaches
from postern.attendance.meals import meal_lines
from postern.attendance.model import WorkDay
from postern.attendance.pairing_rules import PairingRules
from postern.attendance.pay import Breach, Jurisdiction, PayLine, PayProfile
from postern.attendance.payrules import checked, rule_book
from postern.attendance.premiums import premium_lines
from postern.attendance.public_holidays import DayKind, PublicHolidays, public_holidays
from postern.attendance.rules_model import Law, Reckoned, Tier
from postern.attendance.tiers import NoPayRule, worked_lines
from postern.attendance.worked import worked_days


@dataclass(frozen=True, kw_only=True, slots=True)
class Pay:
    """Lines and breaches by day."""

    lines: tuple[PayLine, ...] = ()
    breaches: tuple[Breach, ...] = ()


def pay_lines(days: Sequence[WorkDay], law_at: LawAt) -> Pay:
    """The WORKED lines, which share out every counted minute once, then PREMIUM and EXTRA lines.

    The days must begin with the earlier of the work week and the month (`timesheet.reach`), so that what came
    before in them counts towards their thresholds.
    """
    ordered = sorted(days, key=lambda one: one.day)
    worked = worked_days(ordered, law_at.zone)
    shared = worked_lines(ordered, worked, law_at)
    more = (*premium_lines(worked, law_at), *meal_lines(ordered, law_at.law))
    lines = tuple(sorted((*shared, *more), key=lambda one: one.day))
    return Pay(lines=lines, breaches=breaches(ordered, worked, shared, law_at))


def calendar_of(profile: PayProfile, first: date, last: date, language: str = "en") -> PublicHolidays:
    """The public holidays that count for a profile in the years around these days."""
    return _calendar(profile.jurisdiction, profile.region, first.year - 1, last.year + 1, language)


@lru_cache(maxsize=64)
def _calendar(
    jurisdiction: Jurisdiction, region: str | None, first_year: int, last_year: int, language: str
) -> PublicHolidays:
    book = rule_book(jurisdiction)
    found = public_holidays(book.country, region or book.region, first_year, last_year, language)
    return replace(found, days_off=book.days_off)


def check_terms(pairing: PairingRules, profile: PayProfile, day: date) -> None:
    """Raises BadInput for what the law has no place for on `day`: a rounding, a region, a system of hours."""
    checked(pairing, profile, day)
    calendar_of(profile, day, day)
    of_days = [tier for _, tier in law_of(profile).on(day).of(Tier) if tier.of is Reckoned.DAY]
    if not all(any(kind in tier.on for tier in of_days) for kind in (DayKind.WORK, DayKind.REST)):
        raise NoPayRule


@lru_cache(maxsize=256)
def law_of(profile: PayProfile) -> Law:
    """The rules that a profile is paid by; shared by all who have it."""
    return Law(rule_book(profile.jurisdiction), profile)
