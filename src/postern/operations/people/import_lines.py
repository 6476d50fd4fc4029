"""Read a CSV file of people, vehicles or visits into fields by column, and say what becomes of each line.

Dates are YYYY-MM-DD, and a validity begins and ends at midnight by the clock on the wall of the
organisation's first site. Text is UTF-8 or GB 18030; the separator a comma, semicolon or tab. A quotation
mark that our own export sets before what a spreadsheet would take for a formula is taken away again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.errors import BadInput, Conflict
from postern.ids import AccessLevelId, TenantId
from postern.operations.people.formulas import without_mark
from postern.sealing.keyring import ALL_PURPOSES, Keyring, Purpose
from postern.sites.model import Site, zone_of
from postern.spans import Span

MOST_LINES = 20_000
T = TypeVar("T")


class ImportKind(StrEnum):
    """What the file lists."""

    PEOPLE = "people"
    VEHICLES = "vehicles"
    VISITS = "visits"


class Outcome(StrEnum):
    """What becomes of a line."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A column in which a line differs from what is known, and what the line says: never what was known."""

    field: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LineReport:
    """A line of the file (the heading is line 1); `problem` says why it is refused, and what to do."""

    line: int
    outcome: Outcome
    problem: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What becomes of every line; `applied`: how many were taken in or changed (0 in a dry run).

    `mark` stands for the file and all that its judgement rests on: whoever applies the file hands it back.
    """

    lines: tuple[LineReport, ...]
    mark: str = ""
    applied: int = 0

    def of(self, outcome: Outcome) -> tuple[LineReport, ...]:
        """The lines of that outcome."""
        return tuple(one for one in self.lines if one.outcome is outcome)

    @property
    def bad(self) -> tuple[LineReport, ...]:
        """The refused lines."""
        return self.of(Outcome.REFUSED)


Rows = Sequence[tuple[int, Mapping[str, str]]]
"""The lines of a file by their numbers: what each says, by column."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """Whom an import added and changed."""

    added: Sequence[UUID] = ()
    changed: Sequence[UUID] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a file would do. `known`: who of the registry was looked at, by the version of each row; `take`
    does it, but for the refused lines."""

    lines: tuple[LineReport, ...]
    known: Mapping[UUID, tuple[int, ...]]
    take: Callable[[], Awaitable[Taken]]


ACCESS = frozenset({"access_levels", "valid_from", "valid_until"})
"""Columns that only those may fill who give access levels."""
EMPLOYMENT = frozenset(
    {"first_day", "last_day", "contractor", "team", "manager_employee_number", "site"}
    | {"occupation", "pay_profile"}
)
"""Columns that only those may fill who keep employments."""
COLUMNS: Mapping[ImportKind, frozenset[str]] = {
    ImportKind.PEOPLE: frozenset(
        {"id", "name", "employee_number", "resident_id_number", "sex", "birth_date", "home_site"}
        | {"mail", "notes", "card", *ACCESS, *EMPLOYMENT}
    ),
    ImportKind.VEHICLES: frozenset({"plate", "country", "description", "keeper_employee_number", *ACCESS}),
    ImportKind.VISITS: frozenset(
        {"name", "company", "mail", "purpose", "language"}
        | {"host_employee_number", "site", "start", "end", "access_level"}
    ),
}
_ONE_OF: Mapping[ImportKind, tuple[str, ...]] = {
    ImportKind.PEOPLE: ("name", "employee_number"),
    ImportKind.VEHICLES: ("plate",),
    ImportKind.VISITS: ("name",),
}
"""A file names at least one of these columns."""
WRITE_DAY = "write the date as 2026-12-31"


def read_rows(data: bytes, kind: ImportKind) -> Rows:
    """The file's lines as fields by column. Raises BadInput when the file as a whole cannot be used."""
    text = _text(data)
    heading = text.split("\n", 1)[0]
    separator = max(",;\t", key=heading.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns = [(name or "").strip().lower() for name in reader.fieldnames or []]
    unknown = [name for name in columns if name not in COLUMNS[kind]]
    if not set(columns) & set(_ONE_OF[kind]) or unknown:
        wrong = f"unknown: {', '.join(unknown)[:100]}" if unknown else f"missing: {' / '.join(_ONE_OF[kind])}"
        raise BadInput(
            f"the first line must name the columns ({wrong}); known: {', '.join(sorted(COLUMNS[kind]))}"
        )
    reader.fieldnames = columns
    try:
        rows = [(reader.line_num, _fields(row)) for row in reader]
    except csv.Error as fault:
        raise BadInput(
            f"line {reader.line_num} is no CSV; look for a quotation mark without its partner"
        ) from fault
    if len(rows) > MOST_LINES:
        raise BadInput(f"the file has more than {MOST_LINES} lines; split it")
    return rows


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput("the file is neither UTF-8 nor GB 18030; save it as UTF-8")


def _fields(row: Mapping[str | None, str | list[str] | None]) -> Mapping[str, str]:
    if None in row:
        return {"": "too many"}
    return {
        name: without_mark(value.strip()) for name, value in row.items() if name and isinstance(value, str)
    }


def named_field(fields: Mapping[str, str], name: str, known: Mapping[str, T]) -> T | None:
    text = " ".join(fields.get(name, "").split())
    if not text:
        return None
    if text.casefold() not in known:
        raise BadInput(f"there is no {name} {text!r}; add it first, or correct its name")
    return known[text.casefold()]


def text_of(fields: Mapping[str, str], name: str) -> str:
    if "" in fields:
        raise BadInput(
            "the line has more fields than the heading; put quotation marks around text with commas"
        )
    return fields.get(name, "")


def read_field(fields: Mapping[str, str], name: str, parse: Callable[[str], T], advice: str) -> T | None:
    text = fields.get(name)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError as fault:
        raise BadInput(f"{name}: {advice}") from fault


def levels_of(fields: Mapping[str, str], known: Mapping[str, AccessLevelId]) -> tuple[AccessLevelId, ...]:
    """The access levels that a line names, each once."""
    names = [one.strip() for one in fields.get("access_levels", "").split(";") if one.strip()]
    unknown = [name for name in names if name.casefold() not in known]
    if unknown:
        raise BadInput(f"there is no access level {unknown[0]!r}; add it first, or correct its name")
    return tuple(dict.fromkeys(known[name.casefold()] for name in names))


@dataclass(frozen=True, kw_only=True, slots=True)
class Validity:
    """What a line says of the span in which access levels hold; None: nothing."""

    start: datetime | None = None
    end: datetime | None = None
    for_ever: bool = False

    @property
    def says(self) -> bool:
        """Whether it says anything."""
        return self.start is not None or self.end is not None or self.for_ever

    def over(self, before: Span) -> Span:
        """`before`, with what the line says of it."""
        start = self.start or before.start
        end = None if self.for_ever else self.end or before.end
        if start is not None and end is not None and end <= start:
            raise BadInput("valid_until lies before valid_from")
        return Span(start=start, end=end)


def validity_of(fields: Mapping[str, str], zone: ZoneInfo) -> Validity:
    """What a line says. The year 9999 is how many programs write "for ever"."""
    first = read_field(fields, "valid_from", a_day, WRITE_DAY)
    last = read_field(fields, "valid_until", a_day, WRITE_DAY)
    for_ever = last is not None and last.year == date.max.year
    return Validity(
        start=datetime.combine(first, time(), zone) if first else None,
        end=datetime.combine(last + timedelta(days=1), time(), zone) if last and not for_ever else None,
        for_ever=for_ever,
    )


def a_day(text: str) -> date:
    day = date.fromisoformat(text)
    if day.year < 1900:
        raise ValueError("a slip")
    return day


def refused(line: int, problem: str) -> LineReport:
    """The report of a line that cannot be taken."""
    return LineReport(line=line, outcome=Outcome.REFUSED, problem=problem)


def first_only(seen: dict[tuple[str, str], int], line: int, values: Mapping[str, str | None]) -> None:
    """Note by line what no two lines may share. Conflict when an earlier one has it already."""
    found = [(name, value.upper()) for name, value in values.items() if value]
    for what in found:
        if what in seen:
            raise Conflict(f"the {what[0]} is in line {seen[what]} already")
    seen |= dict.fromkeys(found, line)


def first_zone(places: Sequence[Site]) -> ZoneInfo:
    """By whose clock midnights are meant where no site is named."""
    return zone_of(places[0].time_zone if places else "UTC")


async def new_keys(keyring: Keyring, tenant: TenantId, subjects: Sequence[UUID]) -> None:
    """Keys of all at once: one by one, 20,000 lines would take minutes."""
    purposes = [one for one in ALL_PURPOSES if one is not Purpose.FACE]
    await keyring.new_keys_of_all(tenant, subjects, purposes)
