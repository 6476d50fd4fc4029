"""Rows of the wall in words; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID

from postern.access.reasons import Reason
from postern.operations.look import DoorNews, Passing, Row, Unopenable
from postern.records.model import RecordKey
from postern.web.i18n import Words

_PAGES = {"person": "people", "vehicle": "vehicles", "visit": "visits"}
_DUTIES = {"": "see-vehicles", "people": "see-people", "vehicles": "see-vehicles", "visits": "see-visits"}


@dataclass(frozen=True, kw_only=True, slots=True)
class WallRow:
    """One row as it is shown. `tone`: good, bad, warn or info; `href`: the person or vehicle behind it, for
    whoever has the duty."""

    key: str
    at: datetime
    time: str
    icon: str
    name: str
    plate: str
    door: str
    where: str
    tone: str
    verdict: str
    why: str
    outcome: str
    href: str
    picture: bool

    @property
    def duty(self) -> str:
        """What it takes to open `href`."""
        return _DUTIES[self.href.split("/")[1]]


def key_text(key: RecordKey) -> str:
    """The record's key as part of an address."""
    return f"{key.site}-{key.day:%Y%m%d}-{key.agent}-{key.seq}"


def rows_of(rows: Sequence[Row], t: Words, zone: tzinfo) -> tuple[WallRow, ...]:
    """Every row, in the order given."""
    return tuple(_row(row, t, zone) for row in rows)


def _row(row: Row, t: Words, zone: tzinfo) -> WallRow:
    match row:
        case Passing():
            return _passing(row, t, zone)
        case DoorNews():
            return _news(row, t, zone)
        case Unopenable():
            return _unopenable(row, t)


def _unopenable(row: Unopenable, t: Words) -> WallRow:
    return WallRow(
        key=key_text(row.key),
        at=row.at,
        time="–",
        icon="warn",
        name=t("wall.tampered"),
        plate="",
        door="",
        where=t("wall.record-number", number=f"{row.key.agent}-{row.key.seq}"),
        tone="bad",
        verdict=t("wall.cannot-open"),
        why=t("wall.tampered-why"),
        outcome="",
        href="",
        picture=False,
    )


def _passing(row: Passing, t: Words, zone: tzinfo) -> WallRow:
    vehicle = row.credential_kind == "plate"
    return WallRow(
        key=key_text(row.key),
        at=row.at,
        time=t.time(row.at, zone),
        icon="vehicle" if vehicle else "person",
        name=_name(row, t, vehicle=vehicle),
        plate=row.who or "" if vehicle else "",
        door=row.door,
        where=row.access_point,
        tone="good" if row.granted else "bad",
        verdict=t("wall.granted") if row.granted else t("wall.denied"),
        why=_why(row, t),
        outcome=t(f"outcome.{row.outcome.value}") if row.outcome else "",
        href=_href(row.subject, row.subject_kind),
        picture=row.has_picture,
    )


def _name(row: Passing, t: Words, *, vehicle: bool) -> str:
    if row.erased:
        return t("wall.erased")
    if vehicle:
        return t("wall.vehicle") if row.subject else t("wall.unknown-vehicle")
    return row.who or t("wall.unknown-person")


def _why(row: Passing, t: Words) -> str:
    presented = t.code("credential", row.credential_kind)
    if row.reason is Reason.GRANTED:
        return presented
    return f"{presented} · {row.reason.words(t.language)}"


def _href(subject: UUID | None, kind: str | None) -> str:
    if subject is None:
        return ""
    return f"/{_PAGES.get(kind or '', 'vehicles')}/{subject}"


def _news(row: DoorNews, t: Words, zone: tzinfo) -> WallRow:
    by_operator = row.condition is None
    if by_operator:
        verdict = t("wall.opened") if row.done else t("wall.not-opened")
        tone = "info" if row.done else "bad"
    else:
        verdict = t(f"door-state.{row.condition}")
        tone = "info" if row.condition in ("closed", "online") else "warn"
    return WallRow(
        key=key_text(row.key),
        at=row.at,
        time=t.time(row.at, zone),
        icon="door",
        name=row.operator if by_operator else row.door,
        plate="",
        door=row.door,
        where=row.door,
        tone=tone,
        verdict=verdict,
        why=row.reason if by_operator else t("wall.door-said"),
        outcome="",
        href="",
        picture=False,
    )
