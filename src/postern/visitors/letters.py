"""The text of letters to visitors and hosts, as letters.yaml has it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from postern.visitors.model import LetterKind, Visit, VisitRules


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A letter's subject and text."""

    subject: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """The site as a letter names it."""

    name: str
    zone: ZoneInfo


@cache
def _texts() -> Mapping[str, Any]:
    text = (resources.files("postern.visitors") / "letters.yaml").read_text("utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def written(
    kind: LetterKind, visit: Visit, place: Place, rules: VisitRules, *, host: str = "", link: str = ""
) -> Written:
    """The letter in the visit's language. `host`: the host's name, where there is one."""
    details, language = visit.details, visit.details.language
    words, parts = _texts()["words"][language], _texts()[kind.value][language]
    values = {
        "name": details.name,
        "company": details.company or words["none"],
        "purpose": details.purpose or words["none"],
        "host": host or words["nobody"],
        "site": " ".join(place.name.split()),
        "zone": place.zone.key,
        "start": _moment(details.valid.start, place.zone),
        "end": _moment(details.valid.end, place.zone),
        "arrived": _moment(visit.arrived_at, place.zone),
        "link": link,
        "sign": words["sign"] if visit.may_sign else "",
        "directions": rules.directions(language),
    }
    return Written(
        subject=parts["subject"].format(**values), text=parts["text"].format(**values).rstrip() + "\n"
    )


def _moment(at: datetime | None, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at is not None else "–"
