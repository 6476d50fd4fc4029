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
from postern.access.presence import Aboard, Evidence, Mark, Muster, Whereabouts
from postern.agent.muster import MusterDesk
from postern.privacy.member import JOURNAL_NAME
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
    """Somebody on the roll. `place`: of the unnamed aboard a vehicle, whose `id` it is then."""

    id: UUID
    place: int | None
    name: str
    evidence: str
    since: str
    more: int
    uncounted: bool
    safe: str
    is_person: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AreaLines:
    """An area with who is in it, those first whom nobody has seen."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RollView:
    """The roll as shown. `people`: how many are inside, unnamed ones too; `uncounted`: vehicles of which
    nobody said who is aboard."""

    muster: Muster | None
    at: str
    people: int
    missing: int
    uncounted: int
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
    people, missing = sum(one.people for one in inside), sum(one.missing for one in inside)
    return RollView(
        muster=muster,
        at=_clock(at, wall),
        people=people,
        missing=missing,
        uncounted=sum(one.uncounted for one in inside),
        safe=people - missing,
        areas=_areas(inside, names, policy, at, words) if muster is not None else (),
    )


def _areas(
    inside: list[Whereabouts],
    names: Mapping[UUID, str],
    policy: Policy | None,
    at: datetime,
    words: Words,
) -> tuple[AreaLines, ...]:
    areas = {one.id: one.name for one in policy.areas} if policy is not None else {}
    doors = {one.id: one.name for one in policy.access_points} if policy is not None else {}
    found: dict[str, list[Line]] = {}
    inside.sort(key=lambda one: (one.safe is not None, names.get(one.subject, ""), one.since))
    vehicles = {one.subject for one in inside if one.kind is SubjectKind.VEHICLE}
    line = _Lines(at=at, wall=zone_of(policy.site.time_zone if policy is not None else "UTC"), words=words)
    for one in inside:
        if one.vehicle in vehicles:
            continue
        riders = [each for each in inside if each.vehicle == one.subject]
        lines = [
            line.of(each, names, _evidence(each, doors.get(each.via, "–") if each.via else "–", names, words))
            for each in (one, *riders)
        ]
        lines += [line.unnamed(one, other, names) for other in one.others]
        found.setdefault(areas.get(one.area, "–"), []).extend(lines)
    return tuple(AreaLines(name=name, lines=tuple(lines)) for name, lines in sorted(found.items()))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lines:
    """How somebody is shown on the roll."""

    at: datetime
    wall: ZoneInfo
    words: Words

    def of(self, one: Whereabouts, names: Mapping[UUID, str], evidence: str) -> Line:
        is_vehicle = one.kind is SubjectKind.VEHICLE
        return Line(
            id=one.subject,
            place=None,
            name=names.get(one.subject) or self.words("no-name"),
            evidence=evidence,
            since=_since(one.since, self.at, self.wall),
            more=one.more,
            uncounted=one.uncounted,
            safe=self._safe(one.safe),
            is_person=not is_vehicle,
        )

    def unnamed(self, one: Whereabouts, other: Aboard, names: Mapping[UUID, str]) -> Line:
        plate = names.get(one.subject) or self.words("no-name")
        return Line(
            id=one.subject,
            place=other.place,
            name=self.words("unnamed", plate=plate, n=str(other.place)),
            evidence=self.words("unnamed-aboard"),
            since=_since(one.since, self.at, self.wall),
            more=0,
            uncounted=False,
            safe=self._safe(other.safe),
            is_person=True,
        )

    def _safe(self, mark: Mark | None) -> str:
        return self.words("safe-by", name=mark.by, at=_clock(mark.order.at, self.wall)) if mark else ""


def _evidence(one: Whereabouts, door: str, names: Mapping[UUID, str], words: Words) -> str:
    match one.evidence:
        case Evidence.PASSED:
            return words("passed", door=door)
        case Evidence.PRESUMED:
            return words("presumed", door=door)
        case Evidence.ABOARD:
            vehicle = names.get(one.vehicle, "–") if one.vehicle is not None else "–"
            if one.by == JOURNAL_NAME:
                return words("aboard-self", vehicle=vehicle)
            return words("aboard", vehicle=vehicle, by=one.by)
        case Evidence.STATED:
            return words("stated", by=one.by)


def _since(since: datetime, now: datetime, wall: ZoneInfo) -> str:
    """The time of day, with its date when that is another than today's."""
    then, today = since.astimezone(wall), now.astimezone(wall).date()
    return f"{then:%H:%M}" if then.date() == today else f"{then:%Y-%m-%d %H:%M}"


def _clock(at: datetime, wall: ZoneInfo) -> str:
    return f"{at.astimezone(wall):%H:%M:%S}"
