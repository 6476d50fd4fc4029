"""What the agent's muster page says: its words, and the roll as it shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from uuid import UUID
from zoneinfo import ZoneInfo

import yaml
from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.requests import Request

from postern.access.model import SubjectKind
from postern.access.policy import Policy
from postern.access.presence import Evidence, Muster, Whereabouts
from postern.agent.muster import MusterDesk
from postern.sites.model import zone_of

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The words of one language."""

    language: str

    def __call__(self, key: str, **values: str) -> str:
        """The text `key` with its `{names}` filled in."""
        text = _words()[key][self.language]
        return text.format(**values) if values else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Somebody on the roll."""

    id: UUID
    name: str
    evidence: str
    since: str
    more: int
    safe: str
    is_person: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaLines:
    """An area with who is in it, those first whom nobody has seen."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RollView:
    """The roll as shown. `people`: how many are inside, unnamed ones too."""

    muster: Muster | None
    at: str
    people: int
    missing: int
    safe: int
    areas: tuple[AreaLines, ...]


@cache
def _words() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = yaml.safe_load(_text("words.yaml"))
    return words


def words_of(request: Request) -> Words:
    """The words of the browser's first language that we speak."""
    for part in request.headers.get("accept-language", "").split(","):
        wanted = part.split(";")[0].strip().lower()[:2]
        if wanted in LANGUAGES:
            return Words(language=wanted)
    return Words(language="en")


def render(template: str, words: Words, **values: object) -> str:
    """The template's text."""
    return _environment().get_template(template).render(t=words, language=words.language, **values)


def asset(name: str) -> bytes:
    """The style sheet or the script."""
    return _text(name).encode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


@cache
def _text(name: str) -> str:
    return (resources.files("postern.agent.pages") / name).read_text("utf-8")


def roll_of(
    desk: MusterDesk, names: Mapping[UUID, str], policy: Policy | None, at: datetime, words: Words
) -> RollView:
    """Who is inside now, in words."""
    inside, muster = desk.inside(), desk.muster
    wall = zone_of(policy.site.time_zone if policy is not None else "UTC")
    people = [one for one in inside if one.kind is not SubjectKind.VEHICLE]
    more = sum(one.more for one in inside)
    safe = sum(one.safe is not None for one in people)
    return RollView(
        muster=muster,
        at=_clock(at, wall),
        people=len(people) + more,
        missing=len(people) - safe + more,
        safe=safe,
        areas=_areas(inside, names, policy, at, words) if muster is not None else (),
    )


def _areas(
    inside: list[Whereabouts],
    names: Mapping[UUID, str],
    policy: Policy | None,
    at: datetime,
    words: Words,
) -> tuple[AreaLines, ...]:
    wall = zone_of(policy.site.time_zone if policy is not None else "UTC")
    areas = {one.id: one.name for one in policy.areas} if policy is not None else {}
    doors = {one.id: one.name for one in policy.access_points} if policy is not None else {}
    found: dict[str, list[Line]] = {}
    inside.sort(key=lambda one: (one.safe is not None, names.get(one.subject, ""), one.since))
    for one in inside:
        line = Line(
            id=one.subject,
            name=names.get(one.subject) or words("no-name"),
            evidence=_evidence(one, doors.get(one.via, "–") if one.via else "–", names, words),
            since=_since(one.since, at, wall),
            more=one.more,
            safe=words("safe-by", name=one.safe.by, at=_clock(one.safe.order.at, wall)) if one.safe else "",
            is_person=one.kind is not SubjectKind.VEHICLE,
        )
        found.setdefault(areas.get(one.area, "–"), []).append(line)
    return tuple(AreaLines(name=name, lines=tuple(lines)) for name, lines in sorted(found.items()))


def _evidence(one: Whereabouts, door: str, names: Mapping[UUID, str], words: Words) -> str:
    match one.evidence:
        case Evidence.PASSED:
            return words("passed", door=door)
        case Evidence.PRESUMED:
            return words("presumed", door=door)
        case Evidence.ABOARD:
            vehicle = names.get(one.vehicle, "–") if one.vehicle is not None else "–"
            return words("aboard", vehicle=vehicle, by=one.by)
        case Evidence.STATED:
            return words("stated", by=one.by)


def _since(since: datetime, now: datetime, wall: ZoneInfo) -> str:
    """The time of day, with its date when that is another than today's."""
    then, today = since.astimezone(wall), now.astimezone(wall).date()
    return f"{then:%H:%M}" if then.date() == today else f"{then:%Y-%m-%d %H:%M}"


def _clock(at: datetime, wall: ZoneInfo) -> str:
    return f"{at.astimezone(wall):%H:%M:%S}"
