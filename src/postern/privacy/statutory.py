"""How long the law makes an employer or a garage keep what an erasure would otherwise destroy.

Dated rules that cite their source. Where no rule of a country is recorded here, and the operator states no
legal basis, nothing is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

PERSON, VEHICLE, VISIT = "person", "vehicle", "visit"


@dataclass(frozen=True, kw_only=True, slots=True)
class StatutoryRule:
    """In `country`, what `what` describes is kept for `years` years, by the law `basis`, since `since`.

    A rule of a part of a country (California's) stands under the whole country: sites name no part, and
    what is kept too long by a year harms less than what is gone before a court asks for it."""

    country: str
    subject_kind: str
    what: str
    years: int
    basis: str
    since: date


RULES = (
    StatutoryRule(
        country="CN",
        subject_kind=PERSON,
        what="wages and the hours they rest on",
        years=2,
        basis="工资支付暂行规定 (1994) 第六条: written records of wages are kept for at least two years",
        since=date(1995, 1, 1),
    ),
    StatutoryRule(
        country="CN",
        subject_kind=VEHICLE,
        what="receipts",
        years=30,
        basis="会计档案管理办法 (财政部、国家档案局令第79号), 附表一: vouchers are kept for 30 years",
        since=date(2016, 1, 1),
    ),
    StatutoryRule(
        country="DE",
        subject_kind=PERSON,
        what="working hours",
        years=2,
        basis="ArbZG § 16 (2): records of working hours are kept for at least two years",
        since=date(1994, 7, 1),
    ),
    StatutoryRule(
        country="DE",
        subject_kind=VEHICLE,
        what="receipts",
        years=8,
        basis="AO § 147 (3), HGB § 257 (4): vouchers are kept for eight years",
        since=date(2025, 1, 1),
    ),
    StatutoryRule(
        country="US",
        subject_kind=PERSON,
        what="time cards",
        years=2,
        basis="29 CFR 516.6 (a): time cards and wage-rate tables are kept for two years",
        since=date(1987, 7, 1),
    ),
    StatutoryRule(
        country="US",
        subject_kind=PERSON,
        what="payroll records and the hours they rest on",
        years=3,
        basis="29 CFR 516.5 (a), and in California Labor Code §§ 226 (a), 1174 (d): "
        "payroll records are kept for three years",
        since=date(1987, 7, 1),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StatutoryKeep:
    """What is kept in spite of an erasure: on what legal basis, and until which day."""

    what: str
    basis: str
    until: date


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLaw:
    """By what a site says whose law holds there: its country, the countries of the jurisdiction chosen for
    it, and the pay rules of its hours (`us-ca`). Each is enough; one of many countries says none."""

    country: str | None = None
    jurisdiction: tuple[str, ...] = ()
    pay: str | None = None

    @property
    def countries(self) -> frozenset[str]:
        """ISO 3166-1 alpha-2."""
        chosen = self.jurisdiction if len(self.jurisdiction) == 1 else ()
        paid = () if self.pay is None else (self.pay[:2].upper(),)
        return frozenset(one for one in (self.country, *chosen, *paid) if one)


def kept_by_law(sites: Sequence[SiteLaw], subject_kind: str, on: date) -> StatutoryKeep | None:
    """What the laws of the sites keep of a person or vehicle erased on that day: the longest time holds, and
    every law that asks for a part of it is named."""
    countries = {country for one in sites for country in one.countries}
    found = [
        rule
        for rule in RULES
        if rule.country in countries and rule.subject_kind == subject_kind and rule.since <= on
    ]
    found.sort(key=lambda one: -one.years)
    if not found:
        return None
    return StatutoryKeep(
        what=found[0].what,
        basis="; ".join(one.basis for one in found),
        until=_years_after(on, found[0].years),
    )


def _years_after(on: date, years: int) -> date:
    leap_day = (on.month, on.day) == (2, 29)
    return on.replace(year=on.year + years, day=28 if leap_day else on.day)
