"""What a check found, in an installer's words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`danger`: a promise is broken or about to be; `warn`: it should be looked at; `ok`: as it should be."""

    OK = "ok"
    WARN = "warn"
    DANGER = "danger"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of the report; `cure` says what to do and is empty where nothing need be done."""

    name: str
    level: Level
    message: str
    cure: str = ""


def ok(name: str, message: str) -> Finding:
    """As it should be."""
    return Finding(name=name, level=Level.OK, message=message)


def warn(name: str, message: str, cure: str) -> Finding:
    """Should be looked at."""
    return Finding(name=name, level=Level.WARN, message=message, cure=cure)


def danger(name: str, message: str, cure: str) -> Finding:
    """A promise is broken or about to be."""
    return Finding(name=name, level=Level.DANGER, message=message, cure=cure)
