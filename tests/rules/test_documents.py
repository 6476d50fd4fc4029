"""Documents: what is written is read back, and nothing else is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from uuid import UUID, uuid4

import pytest

from postern import documents
from postern.errors import BadInput
from postern.ids import PersonId


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner:
    at: time
    note: str = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer:
    id: PersonId
    day: date
    moment: datetime
    colour: Colour | None
    raw: bytes
    inner: tuple[Inner, ...]
    ids: frozenset[UUID]
    share: float = 0.5


WHOLE = Outer(
    id=PersonId(uuid4()),
    day=date(2026, 3, 4),
    moment=datetime(2026, 3, 4, 12, 30, 0, 5, tzinfo=UTC),
    colour=Colour.RED,
    raw=b"\0\xff",
    inner=(Inner(at=time(6)), Inner(at=time(22, 30), note="晚")),
    ids=frozenset({uuid4(), uuid4()}),
)


def test_what_is_written_is_read_back() -> None:
    assert documents.from_bytes(Outer, documents.to_bytes(WHOLE)) == WHOLE


def test_a_missing_field_takes_its_default_and_a_missing_optional_is_none() -> None:
    data = documents.to_bytes(WHOLE).replace(b',"share":0.5', b"").replace(b'"colour":"red",', b"")
    read = documents.from_bytes(Outer, data)
    assert (read.share, read.colour) == (0.5, None)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"at":"06:00","note":1}', b'{"at":"6"}', b'{"at":"06:00","more":1}', b"\xff"],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="Inner"):
        documents.from_bytes(Inner, data)
