"""A fault's words in the language of the page that shows them.

Faults speak English, wherever they are raised: to programs, to logs and to pages alike. For a page in
another language `messages/faults.<language>.yaml` holds each English message with `{}` for what is filled
in, and its translation; what fills a place is translated too where the catalogue has it, else it stays.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from string import Formatter

import yaml

from postern.privacy.profiles import ForbiddenHere
from postern.web.i18n import DEFAULT, FOLDER, Words, catalogue

LONGEST = 2000
"""Characters of a fault that is still looked up among the templates; ours are far shorter."""
_DEEPEST = 3
"""How often a fault may stand in the place of another: a photo's in a line's in a file's."""
_CODES = ("credential.", "duty.", "role.")
"""Codes that faults name, by the key of their words in the console's own catalogue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """Words for a page; `language` where it is not the page's own, so that it is read out as what it is."""

    text: str
    language: str = ""

    def __html__(self) -> str:
        """What a template shows of it."""
        text = html.escape(self.text)
        return f'<span lang="{self.language}">{text}</span>' if self.language else text


@dataclass(frozen=True, kw_only=True, slots=True)
class _Template:
    """A message with places. One that is `bare` has no words of its own ("{}: {}")."""

    pattern: re.Pattern[str]
    translation: str
    bare: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Book:
    """The catalogue of one language; templates with more words of their own come first."""

    exact: dict[str, str]
    templates: tuple[_Template, ...]


def spoken(fault: object, words: Words) -> Spoken:
    """A fault, or its text, for a page: a filter of the templates (`{{ form.fault | spoken(t) }}`)."""
    if isinstance(fault, ForbiddenHere):
        return Spoken(text=fault.in_language(words.language))
    known = translation(str(fault), words.language)
    if known is not None or words.language == DEFAULT:
        return Spoken(text=known or str(fault))
    return Spoken(text=str(fault), language=DEFAULT)


def translation(text: str, language: str) -> str | None:
    """`text` in `language`, or None where its catalogue has no such message."""
    return find(_book(language), text)


def find(book: Book, text: str, depth: int = 0) -> str | None:
    """The translation of a text, and of what fills its places; None where the book has none."""
    if text in book.exact:
        return book.exact[text]
    if depth > _DEEPEST or len(text) > LONGEST:
        return None
    for template in book.templates:
        found = template.pattern.fullmatch(text)
        if found is not None:
            places = [(find(book, value, depth + 1), value) for value in found.groups()]
            if not template.bare or any(known is not None for known, _ in places):
                return template.translation.format(*(known or value for known, value in places))
    return None


@cache
def _book(language: str) -> Book:
    path = FOLDER / f"faults.{language}.yaml"
    if not path.exists():
        return Book(exact={}, templates=())
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    codes = {
        key.removeprefix(prefix): text
        for prefix in _CODES
        for key, text in catalogue(language).items()
        if key.startswith(prefix)
    }
    return book_of({**codes, **read["words"], **read["messages"]})


def book_of(entries: dict[str, str]) -> Book:
    """The entries, ready to be searched. `{{` stands for a brace, as in Python's format strings."""
    exact: dict[str, str] = {}
    templates: list[tuple[int, _Template]] = []
    for message, words in entries.items():
        parts = literals(message)
        if len(parts) == 1:
            exact[parts[0]] = words.format()
            continue
        own = "".join(parts)
        bare = not any(letter.isalpha() for letter in own)
        templates.append((len(own), _Template(pattern=_pattern(parts), translation=words, bare=bare)))
    templates.sort(key=lambda one: -one[0])
    return Book(exact=exact, templates=tuple(template for _, template in templates))


def literals(message: str) -> Sequence[str]:
    """What stands before, between and after the places of a message."""
    parts = [""]
    for literal, field, _, _ in Formatter().parse(message):
        parts[-1] += literal
        if field is not None:
            parts.append("")
    return parts


def _pattern(parts: Sequence[str]) -> re.Pattern[str]:
    """Each place takes as little as it can, for good: the time to match grows with the text, no faster."""
    first, *between, last = (re.escape(part) for part in parts)
    middle = "".join(f"(?>(.*?){part})" for part in between)
    return re.compile(f"{first}{middle}(.*){last}", re.DOTALL)
