"""Pay rules as dated data: `rules/<jurisdiction>.yaml`, each with its article and the days it is in force.

    - id: overtime
      label: {en: Longer than eight hours, zh: 超过八小时}
      article: 劳动法 第四十四条（一）
      source: https://…
      in_force: 1995-01-01
      until: 2024-12-31                  # a superseded rule stays, with its last day
      systems: [standard]                # left out: standard only
      premiums: law                      # left out: whichever premiums are paid
      tier: {of: day, on: [work], after: 8 h, category: overtime, percent: 150}

A mistake in these files is a fault of the program and raises ValueError; tests read all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import TypeAlias

import yaml

from postern.attendance.pairing_rules import PairingRules, RoundingMode
from postern.attendance.pay import HoursSystem, Jurisdiction, PayProfile, Premiums
from postern.attendance.public_holidays import DayKind
from postern.attendance.rules_model import (
    Average,
    BreakNeeded,
    BreaksNeeded,
    ClosedDays,
    DayMost,
    Demand,
    Law,
    Meals,
    OvertimeMost,
    PaidRest,
    Premium,
    Reckoned,
    RestBetween,
    Rests,
    RoundingAllowed,
    Rule,
    RuleBook,
    Tier,
    WeekRest,
)
from postern.errors import BadInput

JURISDICTIONS = (Jurisdiction("cn"), Jurisdiction("de"), Jurisdiction("us"), Jurisdiction("us-ca"))
Value: TypeAlias = str | list["Value"] | dict[str, "Value"]


@lru_cache(maxsize=len(JURISDICTIONS))
def rule_book(jurisdiction: Jurisdiction) -> RuleBook:
    """The rules of a jurisdiction. Raises BadInput for one that has none here."""
    if jurisdiction not in JURISDICTIONS:
        raise BadInput(
            f"There are no pay rules for this jurisdiction. Choose from {', '.join(JURISDICTIONS)}."
        )
    text = files("postern.attendance").joinpath(f"rules/{jurisdiction}.yaml").read_text("utf-8")
    return read_book(jurisdiction, text)


def read_book(jurisdiction: Jurisdiction, text: str) -> RuleBook:
    """A file of rules. Every scalar is read as text, so that no percentage is ever a float."""
    top = _mapping(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506 - makes nothing but texts
    return RuleBook(
        jurisdiction=jurisdiction,
        country=_text(top["country"]),
        region=_text(top["region"]) if "region" in top else None,
        label=_words(top["label"]),
        days_off=_flag(top["days_off"]),
        fixed_days=_flag(top["fixed_days"]),
        rules=tuple(_rule(_mapping(one)) for one in _list(top["rules"])),
    )


def checked(pairing: PairingRules, profile: PayProfile, day: date) -> PairingRules:
    """The site's rules as the law lets them be on `day`: short rests are paid, rounding is kept in bounds.

    Raises BadInput for a rounding that the law does not allow, with its article.
    """
    law = Law(rule_book(profile.jurisdiction), profile).on(day)
    rounding = pairing.rounding
    for rule, allowed in law.of(RoundingAllowed):
        if rounding.mode is RoundingMode.NEAREST and rounding.to not in allowed.to:
            choices = ", ".join(str(one) for one in sorted(allowed.to))
            raise BadInput(
                f"Punches may not be rounded to {rounding.to} minutes here ({rule.article})."
                f" Round to {choices}, or in favour of who works."
            )
    rest = max((timedelta(minutes=one.minutes) for _, one in law.of(PaidRest)), default=timedelta(0))
    return replace(pairing, paid_rest=max(pairing.paid_rest, rest))


def _rule(words: Mapping[str, Value]) -> Rule:
    kinds = [name for name in words if name in _READERS]
    unknown = [name for name in words if name not in _READERS and name not in _KNOWN]
    if len(kinds) != 1 or unknown:
        raise ValueError(f"{words['id']}: a rule has one of {', '.join(_READERS)}, and not {unknown}")
    systems = [_text(one) for one in _list(words["systems"])] if "systems" in words else ["standard"]
    return Rule(
        id=_text(words["id"]),
        label=_words(words["label"]),
        article=_text(words["article"]),
        source=_text(words["source"]),
        first=date.fromisoformat(_text(words["in_force"])),
        last=date.fromisoformat(_text(words["until"])) if "until" in words else None,
        systems=frozenset(HoursSystem(one) for one in systems),
        premiums=Premiums(_text(words["premiums"])) if "premiums" in words else None,
        demand=_READERS[kinds[0]](_mapping(words[kinds[0]])),
    )


_KNOWN = frozenset(("id", "label", "article", "source", "in_force", "until", "systems", "premiums"))


def _tier(words: Mapping[str, Value]) -> Tier:
    after, percent = _text(words["after"]), _text(words["percent"])
    return Tier(
        of=Reckoned(_text(words["of"])),
        on=frozenset(DayKind(_text(one)) for one in _list(words["on"])),
        after=None if after == "contract" else _minutes(after),
        category=_text(words["category"]),
        percent=None if percent == "contract" else Decimal(percent),
    )


def _premium(words: Mapping[str, Value]) -> Premium:
    start, _, end = _text(words.get("hours", "00:00-24:00")).partition("-")
    return Premium(
        family=_text(words["family"]),
        category=_text(words["category"]),
        percent=Decimal(_text(words["percent"])),
        start=time.fromisoformat(start),
        end=time(0) if end == "24:00" else time.fromisoformat(end),
        days=frozenset(_text(one) for one in _list(words.get("on", []))),
        next_day=_flag(words.get("next_day", "false")),
        begun_before_midnight=_flag(words.get("begun_before_midnight", "false")),
        more_than=_minutes(_text(words.get("more_than", "0 min"))),
        night_workers=_flag(words.get("night_workers", "false")),
    )


def _breaks(words: Mapping[str, Value]) -> BreaksNeeded:
    steps = [_mapping(one) for one in _list(words["steps"])]
    return BreaksNeeded(
        steps=tuple(BreakNeeded(over=_span(one, "over"), minutes=_span(one, "at_least")) for one in steps),
        part=_span(words, "part"),
        run=_span(words, "run"),
    )


def _meals(words: Mapping[str, Value]) -> Meals:
    return Meals(
        number=int(_text(words["number"])),
        by=_span(words, "by"),
        minutes=_span(words, "at_least"),
        waived_up_to=_span(words, "waived_up_to"),
        pay=_span(words, "pay"),
        category=_text(words["category"]),
    )


def _rests(words: Mapping[str, Value]) -> Rests:
    return Rests(
        each=_span(words, "each"),
        minutes=_span(words, "at_least"),
        least=_span(words, "from"),
        pay=_span(words, "pay"),
        category=_text(words["category"]),
    )


def _overtime_most(words: Mapping[str, Value]) -> OvertimeMost:
    return OvertimeMost(
        of=Reckoned(_text(words["of"])),
        minutes=_span(words, "at_most"),
        categories=frozenset(_text(one) for one in _list(words["categories"])),
    )


_READERS: dict[str, Callable[[Mapping[str, Value]], Demand]] = {
    "tier": _tier,
    "premium": _premium,
    "day_most": lambda words: DayMost(minutes=_span(words, "at_most")),
    "average": lambda words: Average(weeks=int(_text(words["weeks"])), minutes=_span(words, "at_most")),
    "breaks": _breaks,
    "rest_between": lambda words: RestBetween(minutes=_span(words, "at_least")),
    "closed": lambda words: ClosedDays(days=frozenset(_text(one) for one in _list(words["on"]))),
    "overtime_most": _overtime_most,
    "week_rest": lambda words: WeekRest(
        week_at_most=_span(words, "unless_week_at_most"), day_at_most=_span(words, "and_day_at_most")
    ),
    "meal": _meals,
    "rests": _rests,
    "paid_rest": lambda words: PaidRest(minutes=_span(words, "at_most")),
    "rounding": lambda words: RoundingAllowed(to=frozenset(int(_text(one)) for one in _list(words["to"]))),
}


def _span(words: Mapping[str, Value], name: str) -> int:
    return _minutes(_text(words[name]))


def _minutes(text: str) -> int:
    """`8 h`, `30 min`, `10 h 40 min`."""
    parts = text.split()
    units = {"h": 60, "min": 1}
    return sum(int(number) * units[unit] for number, unit in zip(parts[::2], parts[1::2], strict=True))


def _flag(value: Value) -> bool:
    return {"true": True, "false": False}[_text(value)]


def _words(value: Value) -> dict[str, str]:
    return {name: _text(text) for name, text in _mapping(value).items()}


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise ValueError(f"a text belongs here, not {value!r}")
    return value


def _list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise ValueError(f"a list belongs here, not {value!r}")
    return value


def _mapping(value: Value) -> Mapping[str, Value]:
    if not isinstance(value, dict):
        raise ValueError(f"names with values belong here, not {value!r}")
    return value
