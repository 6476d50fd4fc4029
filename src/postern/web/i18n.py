"""The console's words in each language, from `messages/*.yaml`, and a request's choice of language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "messages"
LANGUAGES = {"en": "English", "zh": "中文"}
DEFAULT = "en"

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class MissingMessage(KeyError):
    """The catalogue has no such key: a programming mistake, which a test finds first."""


@cache
def catalogue(language: str) -> dict[str, str]:
    """Every message of `language` by its dotted key."""
    nested = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return dict(_flatten(nested, ""))


def _flatten(nested: dict[str, object], prefix: str) -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, value in nested.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, dict):
            flat += _flatten(value, f"{dotted}.")
        else:
            flat.append((dotted, str(value)))
    return flat


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """The words of one language, ready for a page."""

    language: str

    def __call__(self, key: str, /, **values: object) -> str:
        """The message `key` with its `{names}` filled in."""
        try:
            message = catalogue(self.language)[key]
        except KeyError:
            raise MissingMessage(f"messages/{self.language}.yaml has no {key!r}") from None
        return message.format(**values) if values else message

    def has(self, key: str) -> bool:
        """Whether `key` exists, for keys made of a code that another slice may extend."""
        return key in catalogue(self.language)

    def code(self, prefix: str, code: object) -> str:
        """The words for a code of ours (`reason.expired`); the code itself, spaced, when it has none."""
        key = f"{prefix}.{code}"
        return self(key) if self.has(key) else str(code).replace("-", " ").replace("_", " ")

    def listed(self, names: Iterable[str]) -> str:
        """Names one after the other, as this language sets them apart."""
        return ("、" if self.language == "zh" else ", ").join(names)

    def day(self, day: date) -> str:
        """A calendar day as this language writes it."""
        if self.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日"
        return f"{day.day} {MONTHS[day.month - 1]} {day.year}"

    def day_of_month(self, day: date) -> str:
        """The same without its year, for where there is little room."""
        return f"{day.month}月{day.day}日" if self.language == "zh" else f"{day.day} {MONTHS[day.month - 1]}"

    def time(self, at: datetime, zone: tzinfo) -> str:
        """Hours, minutes and seconds of `at` on the wall of `zone`."""
        return at.astimezone(zone).strftime("%H:%M:%S")

    def moment(self, at: datetime, zone: tzinfo) -> str:
        """Day, hours and minutes of `at` in `zone`."""
        local = at.astimezone(zone)
        return f"{self.day(local.date())}, {local:%H:%M}"


def choose(cookie: str | None, accept: str | None) -> str:
    """The language of a request: what was chosen before, else the browser's first that we speak."""
    if cookie in LANGUAGES:
        return cookie
    for part in (accept or "").split(","):
        wanted = part.split(";")[0].strip().lower()[:2]
        if wanted in LANGUAGES:
            return wanted
    return DEFAULT
