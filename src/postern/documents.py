"""Frozen dataclasses as compact JSON documents, and back: the plaintext of what is sealed.

Types decide everything: a field is read by its annotation, so that a document never holds what its class does
not say. Unknown fields are refused; a missing field takes its default, so that a later release reads what an
earlier one wrote.
"""

from __future__ import annotations

import base64
import json
import types
from collections.abc import Callable, Hashable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from postern.clock import aware
from postern.errors import BadInput

T = TypeVar("T")


def to_bytes(document: object) -> bytes:
    """The document as compact UTF-8 JSON."""
    return json.dumps(_plain(document), ensure_ascii=False, separators=(",", ":")).encode()


def from_bytes(kind: type[T], data: bytes) -> T:
    """The document of class `kind` that `to_bytes` wrote. Raises BadInput when it is none."""
    try:
        return cast(T, _reader(cast(Hashable, kind))(json.loads(data)))
    except (ValueError, TypeError, KeyError, AttributeError) as fault:
        raise BadInput(
            f"this is no {kind.__name__} that this release can read ({type(fault).__name__}); "
            "was it written by a newer release? then upgrade first"
        ) from fault


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        written = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
        return {name: plain for name, plain in written.items() if plain is not None}
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    return value


_WRITERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...] = (
    (Enum, lambda value: value.value),
    (UUID, str),
    (datetime, lambda value: aware(value).isoformat()),
    ((date, time), lambda value: value.isoformat()),
    (timedelta, lambda value: value.total_seconds()),
    (Decimal, str),
    (bytes, lambda value: base64.b64encode(value).decode()),
    (frozenset, lambda value: sorted(cast(Any, _plain(one)) for one in value)),
    (tuple, lambda value: [_plain(one) for one in value]),
)


@cache
def _reader(hint: Any) -> Callable[[Any], object]:
    """How a plain value becomes one of type `hint`."""
    hint = getattr(hint, "__supertype__", hint)
    if get_origin(hint) in (Union, types.UnionType):
        return _optional_reader(hint)
    if get_origin(hint) in (tuple, frozenset):
        build, read = get_origin(hint), _reader(get_args(hint)[0])
        return lambda plain: build(read(one) for one in plain)
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_reader(hint)
    if isinstance(hint, type) and issubclass(hint, (Enum, UUID)):
        return hint
    return _READERS[hint]


def _same(kind: type) -> Callable[[Any], object]:
    def read(plain: Any) -> object:
        if type(plain) is not kind:
            raise TypeError(f"{kind.__name__} expected")
        return plain

    return read


_READERS: dict[Any, Callable[[Any], object]] = {
    str: _same(str),
    int: _same(int),
    bool: _same(bool),
    float: float,
    datetime: lambda plain: aware(datetime.fromisoformat(plain)),
    date: date.fromisoformat,
    time: time.fromisoformat,
    timedelta: lambda plain: timedelta(seconds=plain),
    Decimal: lambda plain: Decimal(cast(str, _same(str)(plain))),
    bytes: lambda plain: base64.b64decode(plain, validate=True),
}


def _optional_reader(hint: Any) -> Callable[[Any], object]:
    inner = [one for one in get_args(hint) if one is not type(None)]
    if len(inner) != 1:
        raise TypeError(f"{hint} cannot be told apart in a document; give it a class of its own")
    read = _reader(inner[0])
    return lambda plain: None if plain is None else read(plain)


def _dataclass_reader(kind: type) -> Callable[[Any], object]:
    hints = get_type_hints(kind)
    readers = {f.name: _reader(hints[f.name]) for f in fields(kind)}
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    optional = {name for name in needed if type(None) in get_args(hints[name])}

    def read(plain: Any) -> object:
        given = {name: readers[name](value) for name, value in plain.items()}
        given |= {name: None for name in optional - given.keys()}
        return kind(**given)

    return read
